/** What all pages share. */
const chinese = !navigator.language.toLowerCase().startsWith('en');
document.documentElement.lang = chinese ? 'zh-CN' : 'en';

/** One of two languages. */
export const t = (en, zh) => (chinese ? zh : en);

/** An element with a class and children; text is never HTML. */
export function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className !== '') element.className = className;
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

const toLogin = () => location.replace(`/?to=${encodeURIComponent(location.pathname)}`);

/** Fetches JSON. A session that is over leads to the login. */
export async function get(path, init) {
  const response = await fetch(path, init);
  if (response.status === 401) toLogin();
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.status === 204 ? undefined : await response.json();
}

export const post = (path, body) =>
  get(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

const AGAIN_MS = 3000;
async function again(path, take, connected) {
  const page = await fetch(path, { method: 'HEAD' }).catch(() => undefined);
  if (page?.status === 401) toLogin();
  else follow(path, take, connected);
}

/** Follows server-sent events, over every interruption. */
export function follow(path, take, connected = () => {}) {
  const source = new EventSource(path);
  source.onopen = () => connected(true);
  source.onerror = () => {
    connected(false);
    // A browser goes on by itself after a broken line, and gives up for good after an answer that is none: of a proxy
    // whose gateway is away, or because the session is over. The page asks again; a login is shown where it must be.
    if (source.readyState === EventSource.CLOSED)
      setTimeout(() => void again(path, take, connected), AGAIN_MS);
  };
  source.onmessage = ({ data }) => take(JSON.parse(data));
}
