/**
 * Live pictures. One ffmpeg a camera and form, however many look: started by the first, stopped a moment after the last,
 * started again with a back-off, and never left behind.
 *
 * `mse`: the camera's own H.264 or H.265, not transcoded, as fragments of MP4 for Media Source Extensions. The first
 * message is text, the codec; the head and the fragments follow as they are. Platforms look at the same ones, as units.
 * `jsmpeg`: for what a browser cannot play: MPEG-1.
 */
import type { WebSocket } from 'ws';
import type { CameraMedia } from '../../drivers/contract/media.ts';
import type { Part } from '../lifecycle/part.ts';
import { burstLog } from '../observe/log.ts';
import { type Channel, type ChannelOptions, createChannel, type Form } from './channel.ts';

export type { Form } from './channel.ts';

export interface Live extends Part {
  /** Lets a viewer see a camera, until the socket ends. */
  view(camera: string, socket: WebSocket, form: Form): void;
  readonly watch: CameraMedia['watch'];
}

export function createLive(options: Omit<ChannelOptions, 'bursts'>): Live {
  const channels = new Map<string, Channel>();
  const bursts = burstLog(options.log, options.time);
  const channelOf = (camera: string, form: Form) => {
    const key = `${camera} ${form}`;
    const channel = channels.get(key) ?? createChannel(camera, form, { ...options, bursts });
    channels.set(key, channel);
    return channel;
  };
  return {
    view: (camera, socket, form) => channelOf(camera, form).add(socket),
    watch: (camera, sink, wants) => channelOf(camera, 'mse').watch(sink, wants),
    async [Symbol.asyncDispose]() {
      await Promise.all([...channels.values()].map((channel) => channel.close()));
      bursts.close();
    },
  };
}
