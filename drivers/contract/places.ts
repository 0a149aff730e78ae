/** Where what leaves the campus may go: the config names servers, or folders there. Pure. */

/**
 * The same scheme as it is written, host and port, and a path below: `rtmp://a.b` does not allow `rtmp://a.b.example`.
 * `allowed`: a URL that can be read.
 */
export function isWithin(text: string, allowed: string): boolean {
  if (!URL.canParse(text)) return false;
  const [url, place] = [new URL(text), new URL(allowed)];
  const path = place.pathname.replace(/\/$/, '');
  return (
    text.startsWith(place.protocol) &&
    url.protocol === place.protocol &&
    url.host === place.host &&
    (url.pathname === path || url.pathname === '' || url.pathname.startsWith(`${path}/`)) &&
    (path === '' || url.pathname !== '')
  );
}
