/** An LED sign: STX, text, ETX, as the comment of config/profiles/led-line.yaml has it; it tells what it shows. */
import iconv from 'iconv-lite';
import { actions, type Simulator, serveWire, type WireEnd } from './simulator.ts';

const STX = 0x02;
const ETX = 0x03;
const LONGEST = 4096;

export async function startSign(options: {
  readonly id?: string;
  readonly end: WireEnd;
  /** Called with what it shows; empty: nothing. */
  readonly shows: (text: string) => void;
}): Promise<Simulator> {
  const { id = 'sign', end, shows } = options;
  const wire = await serveWire(end, () => {
    let held = Buffer.alloc(0);
    return (chunk) => {
      held = Buffer.concat([held, chunk]).subarray(-LONGEST);
      for (let last = held.indexOf(ETX); last !== -1; last = held.indexOf(ETX)) {
        const first = held.subarray(0, last).lastIndexOf(STX);
        if (first !== -1) shows(iconv.decode(held.subarray(first + 1, last), 'gb18030'));
        held = held.subarray(last + 1);
      }
    };
  });
  return {
    id,
    ...actions(id, {
      cut: { help: 'cut the wire', run: () => wire.cut() },
      mend: { help: 'mend it', run: () => wire.mend() },
    }),
    close: () => wire.close(),
  };
}
