import { userInfo } from 'node:os';

/** Of what gateways take as a name, characters. */
const LONGEST = 64;

/** Who runs this command, for the audit: root is somebody, where sudo says who. */
export function who(): string {
  const { username } = userInfo();
  const sudo = process.env['SUDO_USER'];
  const isSomebody = username === 'root' && sudo !== undefined && sudo !== '' && sudo !== 'root';
  return (isSomebody ? `root (${sudo})` : username).slice(0, LONGEST);
}
