/**
 * What is kept of cameras, for a platform (GB/T 28181-2016, 9.7 to 9.9): listed by RecordInfo, played and downloaded by
 * INVITE, steered by MANSRTSP. That is what the gateway keeps around alarms: continuous recordings stay with the NVR.
 */
import type { Clock } from '../../contract/clock.ts';
import type { CameraMedia, Clip, Playing, Unit } from '../../contract/media.ts';
import { writeManscdp } from './manscdp.ts';
import type { Steer } from './stream/mansrtsp.ts';
import { playClips } from './stream/player.ts';
import type { Offer } from './stream/sdp.ts';
import type { Way } from './stream/way.ts';

/** Times as fast, where a platform that takes datagrams says nothing: they are lost where it is slower than we. */
const DATAGRAMS_SPEED = 4;
/** A download may be so far ahead of its speed, ms of what is played. */
const AHEAD_MS = 1000;
const TICKS_PER_MS = 90;

export interface PlaybackOptions {
  readonly media: Pick<CameraMedia, 'play'>;
  readonly time: Clock;
  readonly offer: Offer;
  /** At least one. */
  readonly clips: readonly Clip[];
  readonly way: Pick<Way, 'onReady'>;
  /** false: it is behind; it has taken what it was given. */
  readonly sink: (unit: Unit) => boolean;
  readonly audio: boolean;
}

/** Epoch ms, between which something is wanted. undefined: the offer does not say. */
export const spanOf = ({ from, to }: Pick<Offer, 'from' | 'to'>) =>
  from === undefined || to === undefined || to <= from ? undefined : { from: from * 1000, to: to * 1000 };

/** Plays what an offer asks for: as it was recorded, or, to download, as fast as it goes. */
export function play(own: PlaybackOptions): Playing {
  const { media, time, offer, clips, way, sink, audio } = own;
  const span = spanOf(offer) ?? { from: 0, to: 0 };
  const all = { media, clips, audio, ...span };
  if (offer.purpose === 'Playback') return playClips({ ...all, sink, pace: 'real' });
  const speed = offer.speed ?? (offer.transport === 'UDP' ? DATAGRAMS_SPEED : Number.POSITIVE_INFINITY);
  const begun = time.elapsed();
  const waits = { behind: false, ahead: false, paused: false };
  const go = () => {
    if (!waits.behind && !waits.ahead && !waits.paused) playing.resume();
  };
  const take = (unit: Unit): boolean => {
    if (!sink(unit) && !waits.behind) {
      waits.behind = true;
      way.onReady(() => {
        waits.behind = false;
        go();
      });
    }
    const aheadMs = unit.pts / TICKS_PER_MS - (time.elapsed() - begun) * speed - AHEAD_MS;
    if (aheadMs > 0 && !waits.ahead) {
      waits.ahead = true;
      time.after(aheadMs / speed, () => {
        waits.ahead = false;
        go();
      });
    }
    return !waits.behind && !waits.ahead;
  };
  const playing = playClips({ ...all, sink: take, pace: 'fast' });
  return {
    ...playing,
    pause() {
      waits.paused = true;
      playing.pause();
    },
    resume() {
      waits.paused = false;
      go();
    },
  };
}

/** Does what a platform orders: annex B. TEARDOWN is the call's. */
export function steer(playing: Playing, { method, scale, from }: Steer): void {
  if (method === 'PAUSE') {
    playing.pause();
    return;
  }
  if (scale !== undefined) playing.scale(scale);
  if (from !== undefined) playing.seek(from * 1000);
  playing.resume();
}

/** All was sent (2016, annex A.2.5 f, NotifyType 121). */
export const mediaStatus = (camera: string, sn: number): Buffer =>
  writeManscdp('Notify', [
    ['CmdType', 'MediaStatus'],
    ['SN', sn],
    ['DeviceID', camera],
    ['NotifyType', 121],
  ]);
