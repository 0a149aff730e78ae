/** One stream that a simulated platform looks at, from the answer to its INVITE to BYE: what came of it, in sentences. */
import { rm } from 'node:fs/promises';
import type { Timer } from '../../drivers/contract/clock.ts';
import type { Dialog, Link } from './link.ts';
import type { Receiver } from './receiver.ts';
import type { Wanted } from './sdp.ts';
import type { Way } from './wire.ts';

/** A key picture comes each 2 to 4 s where nobody asks for one. */
const PICTURE_MS = 15_000;
const PROGRESS_MS = 10_000;
/** What is on its way when one said BYE. */
const LINGER_MS = 200;

export interface Stream {
  readonly camera: string;
  readonly is: Wanted['is'];
  readonly dialog: Dialog;
  readonly way: Way;
  /** Tells when the first key picture is whole, or that there is none. */
  firstPicture(): Promise<void>;
  /** `by`: who says goodbye. The file is whole when it resolves. Never rejects. */
  end(by: 'us' | 'them'): Promise<void>;
  /** Resolves once it has ended. */
  readonly gone: Promise<void>;
}

export interface StreamOptions {
  readonly camera: string;
  readonly is: Wanted['is'];
  /** It ends by itself. */
  readonly seconds: number | undefined;
  /** As it was agreed on. */
  readonly ssrc: number;
  readonly receiver: Receiver;
  readonly dialog: Dialog;
  readonly way: Way;
}

/** `codec, frames, packets, lost`. */
function sentenceOf({ say }: Pick<Link, 'say'>, receiver: Receiver, ssrc: number): string {
  const got = receiver.received();
  const codecs = [got.video ?? say('no video', '无视频'), ...(got.audio === undefined ? [] : [got.audio])];
  const isOther = got.ssrc !== undefined && got.ssrc !== ssrc;
  return [
    codecs.join(' + '),
    say(`${got.pictures} frames, ${got.keys} of them key`, `${got.pictures} 帧，其中关键帧 ${got.keys}`),
    ...(got.sounds === 0 ? [] : [say(`${got.sounds} of sound`, `音频 ${got.sounds}`)]),
    say(`${got.packets} packets, ${got.lost} lost`, `${got.packets} 包，丢失 ${got.lost}`),
    ...(got.late === 0 ? [] : [say(`${got.late} late or twice`, `${got.late} 迟到或重复`)]),
    ...(got.strange === 0 ? [] : [say(`${got.strange} not of a PS`, `${got.strange} 不属于 PS`)]),
    ...(isOther ? [say(`SSRC ${got.ssrc}, agreed ${ssrc}`, `SSRC 为 ${got.ssrc}，约定为 ${ssrc}`)] : []),
    `${(got.bytes / 1e6).toFixed(1)} MB`,
  ].join(', ');
}

/** The ACK was sent just now. */
export function followStream(link: Link, options: StreamOptions): Stream {
  const { time, tell, say } = link;
  const { camera, is, seconds, ssrc, receiver, dialog, way } = options;
  const begun = time.elapsed();
  const timers: Timer[] = [];
  const gone = Promise.withResolvers<void>();
  let isEnding = false;
  const soFar = () =>
    `${((time.elapsed() - begun) / 1000).toFixed(1)} s, ${sentenceOf(link, receiver, ssrc)}`;

  const end = async (by: 'us' | 'them') => {
    if (isEnding) return gone.promise;
    isEnding = true;
    for (const timer of timers) timer.stop();
    if (by === 'us') {
      const bye = link.ask(dialog, way, { method: 'BYE' });
      await bye.catch((error: Error) => tell(`${camera}: ${error.message}`));
    } else tell(say(`${camera}: the gateway ended it (BYE)`, `${camera}：网关已结束（BYE）`));
    await time.wait(LINGER_MS);
    await receiver.close().catch((error: Error) => tell(`${receiver.received().file}: ${error.message}`));
    const { file, bytes } = receiver.received();
    tell(`${camera}: ${soFar()} -> ${bytes === 0 ? say('nothing', '无') : file}`);
    if (bytes === 0) await rm(file, { force: true });
    gone.resolve();
  };

  timers.push(time.every(PROGRESS_MS, () => tell(`${camera}: ${soFar()}`)));
  if (seconds !== undefined) timers.push(time.after(seconds * 1000, () => void end('us')));
  receiver.ended.then(() => {
    if (isEnding) return;
    tell(say(`${camera}: the gateway closed the connection`, `${camera}：网关关闭了连接`));
    void end('us');
  });

  return {
    ...{ camera, is, dialog, way, end, gone: gone.promise },
    async firstPicture() {
      const stop = new AbortController();
      const first = await Promise.race([receiver.firstKey, gone.promise, time.wait(PICTURE_MS, stop.signal)]);
      stop.abort();
      if (typeof first === 'number') {
        const ms = Math.round(first - begun);
        const codec = receiver.received().video ?? '?';
        tell(
          say(
            `${camera}: the first key picture was whole ${ms} ms after the ACK, ${codec}`,
            `${camera}：ACK 后 ${ms} 毫秒收到首个完整关键帧，${codec}`,
          ),
        );
      } else if (!isEnding)
        tell(say(`${camera}: no whole key picture yet: ${soFar()}`, `${camera}：尚无完整关键帧：${soFar()}`));
    },
  };
}
