import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { createAudience } from '../../gateway/media/audience.ts';

const key = (bytes: string) => ({ bytes: Buffer.from(bytes), isKey: true });
const between = (bytes: string) => ({ bytes: Buffer.from(bytes), isKey: false });

function room() {
  const audience = createAudience();
  const left: string[] = [];
  const join = (name: string) => {
    const got: string[] = [];
    const socket = Object.assign(new EventEmitter(), {
      bufferedAmount: 0,
      send: (data: Buffer | string) => void got.push(data.toString()),
      close: (code: number) => void got.push(`closed ${code}`),
    });
    audience.join(socket as unknown as WebSocket, () => left.push(name));
    return { socket, got };
  };
  return { audience, join, left };
}
const head = { bytes: Buffer.from('head'), codec: 'avc1.42C01E' };
const CODEC = '{"codec":"avc1.42C01E"}';

describe('who looks at a camera', () => {
  it('begins with the head and the last key frame, whenever they come', () => {
    const { audience, join } = room();
    const early = join('early');
    audience.onHead(head);
    audience.onFragment(between('a'));
    expect(early.got).toEqual([]);
    audience.onFragment(key('K'));
    audience.onFragment(between('b'));
    const late = join('late');
    for (const { got } of [early, late]) expect(got).toEqual([CODEC, 'head', 'K', 'b']);
    audience.onHead(head);
    audience.onFragment(between('c'));
    audience.onFragment(key('L'));
    expect(early.got.slice(4)).toEqual([CODEC, 'head', 'L']);
  });

  it('and is slow gets nothing until the next key frame after catching up; others do not wait', () => {
    const { audience, join } = room();
    audience.onHead(head);
    audience.onFragment(key('K'));
    const [quick, slow] = [join('quick'), join('slow')];
    slow.socket.bufferedAmount = 2_000_000;
    audience.onFragment(between('a'));
    slow.socket.bufferedAmount = 0;
    audience.onFragment(between('b'));
    audience.onFragment(key('L'));
    expect(quick.got.slice(3)).toEqual(['a', 'b', 'L']);
    expect(slow.got.slice(3)).toEqual([CODEC, 'head', 'L']);
  });

  it('of a camera without key frames costs no memory without end', () => {
    const { audience, join } = room();
    audience.onHead(head);
    audience.onFragment(key('K'));
    audience.onFragment({ bytes: Buffer.alloc(12_000_000), isKey: false });
    expect(join('late').got).toEqual([]);
  });

  it('gets all of MPEG-1 but what comes while behind', () => {
    const { audience, join } = room();
    const { socket, got } = join('one');
    audience.onBytes(Buffer.from('1'));
    socket.bufferedAmount = 2_000_000;
    audience.onBytes(Buffer.from('2'));
    socket.bufferedAmount = 0;
    audience.onBytes(Buffer.from('3'));
    expect(got).toEqual(['1', '3']);
  });

  it('leaves once, whatever the socket says, and is told when it is all over', () => {
    const { audience, join, left } = room();
    const [one, two] = [join('one'), join('two')];
    one.socket.emit('error');
    one.socket.emit('close');
    expect([left, audience.size]).toEqual([['one'], 1]);
    audience.closeAll(1013);
    expect([one.got, two.got]).toEqual([[], ['closed 1013']]);
  });
});
