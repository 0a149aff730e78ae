/**
 * Where a stream for a platform goes, as ffmpeg gets it: the server on its command line, which everybody on the machine
 * can read; what is secret of the address, a key or a passphrase, as options that it reads from a file. Pure.
 */

export interface Target {
  /** For the command line. */
  readonly url: string;
  readonly format: readonly string[];
  /** Lines of a preset file of ffmpeg; '': there is nothing secret. */
  readonly options: string;
}

/** What people and logs may see of an address. */
export function placeOf(url: string): string {
  if (!URL.canParse(url)) return 'what is no address';
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}/...`;
}

/** A line of a preset is read up to here (ffmpeg 5.1, opt_preset). */
const LINE_MAX = 990;
const linesOf = (options: Readonly<Record<string, string | undefined>>) =>
  Object.entries(options)
    .flatMap(([name, value]) => (value === undefined || value === '' ? [] : [`${name}=${value}\n`]))
    .join('');

/**
 * @throws Error with a sentence, which has no secret in it: a name and a password, which ffmpeg takes in the address only;
 * a role in SRT that is not the caller's; an address that is too long.
 */
export function targetOf(text: string): Target {
  const url = new URL(text);
  if (url.username !== '' || url.password !== '')
    throw new Error('a name and a password in the address would be seen by others on this machine');
  const scheme = url.protocol.slice(0, -1);
  const target = scheme === 'srt' ? srtTarget(url) : scheme === 'rtsp' ? rtspTarget(url) : rtmpTarget(url);
  const longest = Math.max(0, ...target.options.split('\n').map((line) => line.length));
  if (longest > LINE_MAX) throw new Error('the address is too long');
  return target;
}

/** The application and the name of the stream, where the key is, as ffmpeg takes them apart (rtmpproto.c, rtmp_open). */
function rtmpTarget({ protocol, host, pathname, search }: URL): Target {
  const rest = `${pathname}${search}`.slice(1);
  const first = rest.indexOf('/');
  const second = rest.indexOf('/', first + 1);
  const colon = rest.indexOf(':', first + 1);
  const end = second === -1 || (colon !== -1 && colon < second) ? first : second;
  const [app, stream] = first === -1 ? [rest, undefined] : [rest.slice(0, end), rest.slice(end + 1)];
  return {
    url: `${protocol}//${host}/`,
    format: ['-f', 'flv'],
    options: linesOf({ rtmp_app: app, rtmp_playpath: stream }),
  };
}

/** We call; whoever says `mode=listener` would have us listen. */
function srtTarget({ host, search }: URL): Target {
  const secrets: Record<string, string> = {};
  const rest = search
    .slice(1)
    .split('&')
    .filter((member) => {
      const [name = '', ...words] = member.split('=');
      const value = words.join('=').replaceAll('+', ' ');
      if (name === 'mode' && value !== 'caller') throw new Error('the gateway calls: mode=caller');
      if (name !== 'passphrase' && !name.endsWith('streamid')) return member !== '';
      secrets[name] = name === 'passphrase' ? value : decodedOf(value);
      return false;
    });
  return {
    url: `srt://${host}${rest.length > 0 ? `?${rest.join('&')}` : ''}`,
    format: ['-f', 'mpegts'],
    options: linesOf(secrets),
  };
}

function decodedOf(text: string): string {
  try {
    const decoded = decodeURIComponent(text);
    if (!/[\r\n\0]/.test(decoded)) return decoded;
  } catch {}
  throw new Error('its streamid cannot be read');
}

/** ffmpeg takes it in one piece: its path is no secret. */
const rtspTarget = ({ href }: URL): Target => ({
  url: href,
  format: ['-rtsp_transport', 'tcp', '-f', 'rtsp'],
  options: '',
});
