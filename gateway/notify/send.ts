/** Gives one message to one contact, over what the config says. Secrets are read when they are needed, and stay here. */
import type { ContactConfig } from '../../config/sections/contacts.ts';
import { type Clock, within } from '../../drivers/contract/clock.ts';
import { isLoopback } from '../../drivers/contract/options.ts';
import { CERTIFICATE_FILE_MAX, loadBytesOf, SECRET_FILE_MAX } from '../../drivers/files.ts';
import type { Message } from './message.ts';
import { signDingTalk, signFeishu, signWebhook } from './signatures.ts';

/** For all of it, ms. */
const TIMEOUT_MS = 10_000;
/** A mail takes a dozen questions, and its server may look us up before the first; one that never comes to an end keeps nobody. */
const MAIL_TIMEOUT_MS = 30_000;
/** Of an answer, bytes: robots answer with some dozen. */
const ANSWER_MAX = 65_536;
const REASON_MAX = 200;

type Robot = Exclude<ContactConfig, { by: 'mail' }>;

/** The first line of a file. @throws what the system says, or that there is none. */
async function secretIn(file: string): Promise<string> {
  const text = (await loadBytesOf(file, SECRET_FILE_MAX)).toString();
  const [line = ''] = text.replace(/^\ufeff/, '').split(/\r\n?|\n/, 1);
  if (line.trim() === '') throw new Error(`${file}: its first line is empty`);
  return line.trim();
}

/** Why a file of a contact cannot be read; undefined: each can. */
export async function unreadable(contact: ContactConfig): Promise<string | undefined> {
  const { urlFile, secretFile, passwordFile, caFile } = contact as Partial<
    Record<'urlFile' | 'secretFile' | 'passwordFile' | 'caFile', string>
  >;
  try {
    for (const file of [urlFile, secretFile, passwordFile]) if (file !== undefined) await secretIn(file);
    if (caFile !== undefined) await loadBytesOf(caFile, CERTIFICATE_FILE_MAX);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** @throws Error with a sentence: it is none to which a message may go. */
function addressOf(text: string, { by, urlFile }: Robot): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new Error(`${urlFile}: its first line is no address that begins with https://`);
  // fetch would refuse it too, in a sentence that has all of it.
  if (url.username !== '' || url.password !== '')
    throw new Error(
      `${urlFile}: an address has no name and password in it: take out what stands before its @`,
    );
  if (url.protocol === 'http:' && by !== 'webhook' && !isLoopback(url.hostname))
    throw new Error(`${urlFile}: a robot's address begins with https://, or anybody on the way reads it`);
  return url;
}

/** A text without what only we and the robot know. */
function withoutSecrets(text: string, url: URL): string {
  const secrets = [...url.searchParams.values(), ...url.pathname.split('/')].filter((one) => one.length >= 8);
  return secrets.reduce((left, one) => left.replaceAll(one, '…'), text).slice(0, REASON_MAX);
}

interface Post {
  readonly url: URL;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What is posted to whom. @throws as above. */
async function postOf(contact: Robot, message: Message, wall: number): Promise<Post> {
  const url = addressOf(await secretIn(contact.urlFile), contact);
  const secretFile = 'secretFile' in contact ? contact.secretFile : undefined;
  const secret = secretFile === undefined ? undefined : await secretIn(secretFile);
  const { id, subject, text, facts } = message;
  const seconds = Math.floor(wall / 1000);
  if (contact.by === 'webhook') {
    const body = JSON.stringify({ id, contact: contact.id, subject, text, events: facts });
    const signature = secret !== undefined && {
      'webhook-signature': signWebhook(secret, id, seconds, body),
    };
    return { url, body, headers: { 'webhook-id': id, 'webhook-timestamp': String(seconds), ...signature } };
  }
  if (contact.by === 'feishu') {
    const signed = secret !== undefined && { timestamp: String(seconds), sign: signFeishu(secret, seconds) };
    return { url, body: JSON.stringify({ ...signed, msg_type: 'text', content: { text } }) };
  }
  if (contact.by === 'dingtalk' && secret !== undefined) {
    url.searchParams.set('timestamp', String(wall));
    url.searchParams.set('sign', signDingTalk(secret, wall));
  }
  return { url, body: JSON.stringify({ msgtype: 'text', text: { content: text } }) };
}

/** What the answer says is wrong; undefined: it was taken. Robots say it in the body of a 200. */
function refusalIn(by: Robot['by'], status: number, text: string): string | undefined {
  if (status < 200 || status > 299) return `it answers ${status}`;
  if (by === 'webhook') return undefined;
  let said: Partial<Record<'errcode' | 'errmsg' | 'code' | 'msg' | 'StatusCode', unknown>>;
  try {
    said = (JSON.parse(text) ?? {}) as typeof said;
  } catch {
    return 'it answers what is no JSON: is the address the one of the robot?';
  }
  const code = by === 'feishu' ? (said.code ?? said.StatusCode) : said.errcode;
  if (typeof code !== 'number' && typeof code !== 'string')
    return 'it answers without a code: is the address the one of the robot?';
  return String(code) === '0' ? undefined : `${String(code)}: ${String(said.errmsg ?? said.msg ?? '')}`;
}

/** The beginning of an answer. */
async function textOfAnswer(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of answer.body ?? []) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > ANSWER_MAX) break;
  }
  return Buffer.concat(chunks).toString().slice(0, ANSWER_MAX);
}

/** @throws Error with a sentence, without secrets, where it was not taken. */
async function post(contact: Robot, message: Message, time: Clock, signal: AbortSignal): Promise<void> {
  const { url, body, headers } = await postOf(contact, message, time.wall());
  const late = new AbortController();
  const asking = async () => {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
      body,
      // The body has what is of this contact alone.
      redirect: 'manual',
      signal: AbortSignal.any([signal, late.signal]),
    });
    return { status: answer.status, text: await textOfAnswer(answer) };
  };
  try {
    const { status, text } = await within(
      asking(),
      TIMEOUT_MS,
      time,
      () => new Error(`no answer within ${TIMEOUT_MS / 1000} s`),
    );
    const refusal = refusalIn(contact.by, status, text);
    if (refusal !== undefined) throw new Error(withoutSecrets(refusal, url));
  } catch (error) {
    const { cause, message: said } = error as Error & { cause?: Error };
    throw new Error(withoutSecrets(cause?.message || said, url));
  } finally {
    late.abort();
  }
}

/** @throws Error with a sentence, without secrets, where it was not taken. */
export async function sendTo(
  contact: ContactConfig,
  message: Message,
  { time, signal }: { readonly time: Clock; readonly signal: AbortSignal },
): Promise<void> {
  if (contact.by !== 'mail') return await post(contact, message, time, signal);
  // Loaded by who has it: a daemon of years keeps what it has loaded.
  const { sendMail } = await import('./mail.ts');
  const password = contact.passwordFile === undefined ? undefined : await secretIn(contact.passwordFile);
  const late = new AbortController();
  try {
    await within(
      sendMail(contact, message, password, AbortSignal.any([signal, late.signal])),
      MAIL_TIMEOUT_MS,
      time,
      () => new Error(`the server did not take it within ${MAIL_TIMEOUT_MS / 1000} s`),
    );
  } finally {
    late.abort();
  }
}
