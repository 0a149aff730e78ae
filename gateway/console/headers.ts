/** Of every answer: a page may load and embed what is of the console, and nobody may embed it. */
export const SECURITY_HEADERS = {
  'content-security-policy': policy(),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
};

/**
 * By HTTPS alone, from now on (RFC 6797). Of a certificate that an authority signed: with one that the gateway signed
 * itself, a browser could not be asked to go on when it has another one.
 */
export const STRICT_TRANSPORT = { 'strict-transport-security': 'max-age=31536000' };

/** `scripts`: hashes of what a page has in itself. Nothing else runs that is not of the console. */
export function policy(...scripts: readonly string[]): string {
  return [
    "default-src 'none'",
    ["script-src 'self'", ...scripts].join(' '),
    "style-src 'self'",
    "connect-src 'self' ws: wss:",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "font-src 'self'",
    "manifest-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
  ].join('; ');
}
