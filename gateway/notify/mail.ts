/** A mail, over the school's or the provider's server. */
import { readFile } from 'node:fs/promises';
import { createTransport } from 'nodemailer';
import type { ContactConfig } from '../../config/sections/contacts.ts';
import type { Message } from './message.ts';

/** For each step, ms: a server may look us up before it greets. */
const STEP_MS = 10_000;

/** `signal` ends it, with its connection. @throws Error with what the server, or the way to it, says. */
export async function sendMail(
  { server, tls, caFile, user, from, to }: Extract<ContactConfig, { by: 'mail' }>,
  { id, subject, text }: Message,
  password: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const transport = createTransport({
    ...server,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    ...(user !== undefined && { auth: { user, pass: password ?? '' } }),
    ...(caFile !== undefined && { tls: { ca: await readFile(caFile) } }),
    ...{ connectionTimeout: STEP_MS, greetingTimeout: STEP_MS, socketTimeout: STEP_MS },
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    // The same for each try: who gets it twice shows it once.
    const messageId = `<${id}@${from.slice(from.indexOf('@') + 1)}>`;
    await transport.sendMail({ from, to, subject, text, messageId, signal });
  } finally {
    transport.close();
  }
}
