/**
 * How ffmpeg gets the address of a stream. Every user of the machine can read its command line, and the address may have
 * a password in it: it comes over standard input, as a list for ffmpeg's concat demuxer with one entry. `option` lines
 * need ffmpeg 4.4; Debian 12 has 5.1.
 */

/** What a stream's address may make ffmpeg open: no file, no other server's HTTP. */
const PROTOCOLS = 'pipe,rtsp,rtsps,rtp,srtp,udp,tcp,tls,crypto';

/** Arguments, up to the input, which is what `streamList` gives, written to standard input and ended. */
export const streamInput = [
  ...['-f', 'concat', '-safe', '0', '-protocol_whitelist', PROTOCOLS],
  ...['-i', 'pipe:0'],
] as const;

/**
 * What ffmpeg reads: the address, and options for it, which say how it is opened. Over TCP, which loses nothing and passes
 * every firewall, unless `options` says otherwise.
 * @throws Error on an address with a line end, which could say more than an address.
 */
export function streamList(url: string, options: Readonly<Record<string, string>> = {}): string {
  if (/[\r\n\0]/.test(url)) throw new Error('the address of a stream has a line end in it');
  const all = { rtsp_transport: 'tcp', ...options };
  return [
    'ffconcat version 1.0',
    `file '${url.replaceAll("'", "'\\''")}'`,
    ...Object.entries(all).map(([name, value]) => `option ${name} ${value}`),
    '',
  ].join('\n');
}
