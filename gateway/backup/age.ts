/**
 * Files that only who has a key can read: age (age-encryption.org/v1), so that Debian's `age` and any other opens them too.
 * Each piece of 64 KB is authenticated, and the last one is marked: a file that was cut or changed is no shorter file.
 */
import { ReadableStream } from 'node:stream/web';
import { say } from '../../config/language.ts';
import { readTextOf, SECRET_FILE_MAX } from '../../drivers/files.ts';

/** The first line of such a file. */
export const AGE_MAGIC = 'age-encryption.org/v1';

export interface Keys {
  /** `AGE-SECRET-KEY-1…` */
  readonly identity: string;
  /** `age1…` */
  readonly recipient: string;
}

type Chunks = AsyncIterable<Uint8Array>;

// Loaded by who makes or opens one: the daemon itself never does.
const load = () => import('age-encryption');

export async function makeKeys(): Promise<Keys> {
  const { generateX25519Identity, identityToRecipient } = await load();
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}

/** A key file as `age-keygen` writes it. */
export const keyFileOf = ({ identity, recipient }: Keys, at: string): string =>
  `# created: ${at}\n# public key: ${recipient}\n${identity}\n`;

/** The private keys in a file. @throws Error with a sentence where there is none; what the disk says. */
export function readKeyFile(file: string): readonly string[] {
  const found = readTextOf(file, SECRET_FILE_MAX)
    .split(/\r\n?|\n/)
    .map((line) => line.trim())
    .filter((line) => line.startsWith('AGE-SECRET-KEY-1'));
  if (found.length > 0) return found;
  throw new Error(
    say(
      `${file} has no private key (a line that begins with AGE-SECRET-KEY-1): give the file that \`campus-gateway backup keys\` made`,
      `${file} 中没有私钥（以 AGE-SECRET-KEY-1 开头的行）：请给出 \`campus-gateway backup keys\` 生成的文件`,
    ),
  );
}

/** Encrypts what passes. @throws where a recipient is none. */
export const sealFor = (recipients: readonly string[]) =>
  async function* seal(chunks: Chunks): Chunks {
    const { Encrypter } = await load();
    const encrypter = new Encrypter();
    for (const one of recipients) encrypter.addRecipient(one);
    yield* await encrypter.encrypt(webStreamOf(chunks));
  };

/** Decrypts what passes. @throws where no key fits, and where it was cut or changed: after all that was whole. */
export const openWith = (identities: readonly string[]) =>
  async function* open(chunks: Chunks): Chunks {
    const { Decrypter } = await load();
    const decrypter = new Decrypter();
    for (const one of identities) decrypter.addIdentity(one);
    yield* await decrypter.decrypt(webStreamOf(chunks));
  };

// The two declarations of a web stream, Node's and the DOM's, say the same.
const webStreamOf = (chunks: Chunks) =>
  ReadableStream.from(chunks) as unknown as Parameters<
    InstanceType<Awaited<ReturnType<typeof load>>['Encrypter']>['encrypt']
  >[0] &
    globalThis.ReadableStream<Uint8Array>;
