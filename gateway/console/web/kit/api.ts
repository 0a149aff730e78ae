/** The API of the server, as functions. */
import { signal } from '@preact/signals';
import type { Order, Outcome } from '../../contract/commands.ts';

/** The server's word for what was wrong; `label('error', code)` has words for people. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string | undefined;
  constructor(status: number, code: string, detail?: string) {
    super(`${status} ${code}`);
    this.status = status;
    this.code = code;
    this.detail = detail;
  }
}

/** Whether there is a session: false leads to the login, wherever one is. */
export const loggedIn = signal<boolean | undefined>(undefined);

async function ask<T>(path: string, init?: RequestInit): Promise<T> {
  // Without an answer of a server: `offline`.
  const response = await fetch(path, init).catch(() => {
    throw new ApiError(0, 'offline');
  });
  if (response.status === 401 && path.startsWith('/api/')) loggedIn.value = false;
  if (response.status === 204) return undefined as T;
  const body = (await response.json().catch(() => ({}))) as T & { error?: string; detail?: string };
  if (!response.ok) throw new ApiError(response.status, body.error ?? 'failed', body.detail);
  return body;
}
const sending = (method: string) => {
  return <T>(path: string, body: unknown = {}): Promise<T> =>
    ask<T>(path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
};

/** @throws ApiError, as all of these. */
export const get = <T>(path: string): Promise<T> => ask<T>(path);
export const post = sending('POST');
export const put = sending('PUT');
export const patch = sending('PATCH');
export const remove = <T = undefined>(path: string): Promise<T> => ask<T>(path, { method: 'DELETE' });

/** Asks for something to be done. What was not done throws, with the reason as `detail`. */
export async function command(
  target: string,
  action: Order['action'],
  wanted: object = {},
): Promise<Outcome> {
  const order = { action, arguments: wanted };
  const outcome = await post<Outcome>(`/api/commands/${encodeURIComponent(target)}`, order);
  if (!outcome.done) throw new ApiError(200, 'refused', outcome.reason);
  return outcome;
}
/** A file as it is. */
export const upload = <T>(path: string, body: Blob): Promise<T> =>
  ask<T>(path, { method: 'PUT', headers: { 'content-type': body.type }, body });
