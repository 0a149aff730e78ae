/** Who may ask a simulated camera: HTTP digest, WS-UsernameToken, or either. */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerWhole, digestGuard } from '../http.ts';
import { fault, SOAP, textIn } from './soap.ts';

export interface Entry {
  readonly username: string;
  /** undefined: everybody may. */
  readonly password: string | undefined;
  readonly auth: 'digest' | 'token' | 'either';
}

export interface Guard {
  /** Whether a question may pass; it is answered where not. */
  admits(request: IncomingMessage, response: ServerResponse, body: string): boolean;
  /** Of a picture, which knows no token. */
  admitsPlain(request: IncomingMessage, response: ServerResponse): boolean;
}

/** `now`: what its clock says, epoch ms. */
export function createGuard({ username, password, auth }: Entry, now: () => number): Guard {
  const digest = digestGuard('camera', username, password ?? '');
  /** And, as real ones do, only within five minutes of its own clock. */
  const hasToken = (body: string) => {
    const part = (name: string) => textIn(body, name) ?? '';
    const nonce = Buffer.from(part('Nonce'), 'base64');
    const created = part('Created');
    const expected = createHash('sha1')
      .update(nonce)
      .update(created)
      .update(password ?? '')
      .digest('base64');
    return (
      part('Username') === username &&
      part('Password') === expected &&
      Math.abs(Date.parse(created) - now()) < 300_000
    );
  };
  return {
    admits(request, response, body) {
      if (password === undefined || (auth !== 'digest' && hasToken(body))) return true;
      if (auth !== 'token') return digest(request, response);
      answerWhole(response, 400, { 'Content-Type': SOAP }, fault('NotAuthorized', 'Sender not Authorized'));
      return false;
    },
    admitsPlain: (request, response) => password === undefined || digest(request, response),
  };
}
