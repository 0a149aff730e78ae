/** How the receivers of messages know that they are ours. Pure. */
import { createHmac } from 'node:crypto';

const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest('base64');

/** DingTalk's "additional signature" 加签, as `sign` of the address. `ms`: `timestamp` there; right within an hour. */
export const signDingTalk = (secret: string, ms: number): string => hmac(secret, `${ms}\n${secret}`);

/** Feishu's "signature verification" 签名校验: the key is what others sign, and nothing is signed. `s`: epoch seconds. */
export const signFeishu = (secret: string, s: number): string => hmac(`${s}\n${secret}`, '');

/** As the libraries of the standard generate secrets; another text is taken as it is. */
const GENERATED = /^whsec_([A-Za-z0-9+/]+=*)$/;

/** `webhook-signature` of Standard Webhooks 1.0 (standardwebhooks.com), symmetric. `s`: epoch seconds. */
export function signWebhook(secret: string, id: string, s: number, body: string): string {
  const encoded = GENERATED.exec(secret)?.[1];
  return `v1,${hmac(encoded === undefined ? secret : Buffer.from(encoded, 'base64'), `${id}.${s}.${body}`)}`;
}
