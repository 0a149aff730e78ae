/** What the tools of an authority print. */
import { say } from '../../../config/language.ts';
import type { Authority } from '../../platform/authority/index.ts';
import type { EnrolledCampus, KeptKey } from '../../platform/authority/registry.ts';
import { printable } from '../../printable.ts';
import type { Terminal } from '../command.ts';

const day = (ms: number | undefined) => (ms === undefined ? '-' : new Date(ms).toISOString().slice(0, 10));
const moment = (ms: number) => new Date(ms).toISOString().replace(/\.\d+/, '');

/** Each code is shown this once. */
export function showCodes(
  made: readonly { readonly campus: string; readonly code: string; readonly endsAt: number }[],
  isCsv: boolean,
  { stdout }: Terminal,
): void {
  if (isCsv) stdout.write('campus,code,until\r\n');
  for (const { campus, code, endsAt } of made)
    stdout.write(
      isCsv
        ? `${campus},${code},${moment(endsAt)}\r\n`
        : `${campus}  ${code}  ${say(`until ${moment(endsAt)}`, `有效期至 ${moment(endsAt)}`)}\n`,
    );
}

const states = { invited: '待注册', enrolled: '已注册', withdrawn: '已撤销' } as const;

export function showCampuses(
  campuses: readonly EnrolledCampus[],
  isJson: boolean,
  { stdout }: Terminal,
): void {
  const iso = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString());
  for (const one of campuses) {
    const { campus, prefix, state, since, reason, certificateEnds, codeEnds } = one;
    if (isJson) {
      const times = { since: iso(since), certificateEnds: iso(certificateEnds), codeEnds: iso(codeEnds) };
      stdout.write(`${JSON.stringify({ campus, prefix, state, reason, ...times })}\n`);
      continue;
    }
    const what = [
      `${campus}  ${say(state.padEnd(9), states[state])}  ${say('since', '自')} ${day(since)}`,
      ...(certificateEnds === undefined
        ? []
        : [`${say('certificate until', '证书至')} ${day(certificateEnds)}`]),
      ...(codeEnds === undefined ? [] : [`${say('code until', '注册码至')} ${day(codeEnds)}`]),
      ...(reason === undefined ? [] : [printable(reason)]),
    ];
    stdout.write(`${what.join('  ')}\n`);
  }
}

export function showAuthority(
  { fingerprint }: Authority,
  campuses: readonly EnrolledCampus[],
  { stdout }: Terminal,
): void {
  const shown = fingerprint.toUpperCase().replace(/..(?=.)/g, '$&:');
  stdout.write(`SHA-256 ${shown}\n`);
  for (const state of ['enrolled', 'invited', 'withdrawn'] as const) {
    const count = campuses.filter((one) => one.state === state).length;
    stdout.write(`${say(state, states[state])}: ${count}\n`);
  }
}

export function showKeys(keys: readonly KeptKey[], { stdout }: Terminal): void {
  for (const { id, issuer, signsFrom, notAfter } of keys) {
    const until =
      notAfter === undefined
        ? ''
        : say(`, believed until ${moment(notAfter)}`, `，有效至 ${moment(notAfter)}`);
    stdout.write(
      `${issuer} ${id}: ${say(`signs from ${moment(signsFrom)}`, `自 ${moment(signsFrom)} 用于签名`)}${until}\n`,
    );
  }
}
