/** One simulated reader: its hardware behind its end of the session, and what goes wrong with it. */
import { commands, type OsdpFrame, replies } from '../../drivers/osdp/codec.ts';
import {
  ACK,
  createHardware,
  type Hardware,
  lengthIsWrong,
  NAK_LENGTH,
  NAK_RECORD,
  nak,
} from './hardware.ts';
import { createSession, NAK_SECURITY, type Reply } from './session.ts';

export interface OsdpReader {
  readonly id: string;
  readonly address: number;
  /** Its own key; without one it has the one that everybody knows. */
  readonly key?: Uint8Array | undefined;
  /** It knows checksums only, as readers of OSDP 1 do. */
  readonly checksum?: boolean;
}

export interface SimulatedReader extends Pick<Hardware, 'tell' | 'setInput' | 'change'> {
  readonly id: string;
  readonly address: number;
  /** It answers nothing. */
  mute: boolean;
  /** Its answers begin so late, ms. */
  late: number;
  /** It is busy: what its BUSY is numbered with. undefined: it is not. */
  busy: 'zero' | 'own' | undefined;
  /** Refuses the next question with this error code. */
  refuseNext: number | undefined;
  /** A question -> the bytes that answer it. */
  answer(frame: OsdpFrame): Buffer;
  /** Forgets the session and what it had to tell. */
  restart(): void;
}

export function createReader(
  { id, address, key, checksum = false }: OsdpReader,
  on: { readonly shown: (text: string) => void; readonly did: (what: string) => void },
): SimulatedReader {
  const hardware = createHardware(address, checksum, on);
  /** KEYSET: only under the secure channel, only a key of 16 bytes. */
  const changeKey = ({ code, data }: OsdpFrame): Reply => {
    if (!session.isSecure) return nak(NAK_SECURITY);
    if (lengthIsWrong(code, data)) return nak(NAK_LENGTH);
    if (data[0] !== 1 || data[1] !== 16) return nak(NAK_RECORD);
    session.changeKey(Uint8Array.from(data.subarray(2)));
    return ACK;
  };
  const session = createSession(
    { key, checksum },
    {
      question: (frame) => (frame.code === commands.KEYSET ? changeKey(frame) : hardware.question(frame)),
      heard: hardware.heard,
      restarted: hardware.restarted,
    },
  );
  const reader: SimulatedReader = {
    id,
    get address() {
      return hardware.address;
    },
    mute: false,
    late: 0,
    busy: undefined,
    refuseNext: undefined,
    answer(frame) {
      const { busy, refuseNext } = reader;
      if (busy !== undefined)
        return session.outside(frame, { code: replies.BUSY, data: Buffer.alloc(0) }, busy);
      reader.refuseNext = undefined;
      if (refuseNext !== undefined) return session.outside(frame, nak(refuseNext), 'own');
      const answer = session.answer(frame);
      hardware.answered();
      return answer;
    },
    tell: hardware.tell,
    setInput: hardware.setInput,
    change: hardware.change,
    restart() {
      session.restart();
      hardware.forget();
    },
  };
  return reader;
}
