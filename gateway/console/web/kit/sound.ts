/** Sounds and speech; a browser lets them be heard once somebody has touched the page, or where its start allows it. */
import { signal } from '@preact/signals';
import { language } from './words.ts';

/** The browser waits for a touch. */
export const soundIsOff = signal(false);
let audio: AudioContext | undefined;

function context(): AudioContext {
  audio ??= new AudioContext();
  const own = audio;
  const look = () => {
    soundIsOff.value = own.state !== 'running';
  };
  own.onstatechange = look;
  look();
  return own;
}

/** Somebody touched the page. */
export function touch(): void {
  void context().resume();
}

/** Hertz, and seconds from the beginning of each. */
type Tune = readonly (readonly [pitch: number, at: number, lasts: number])[];

function play(tune: Tune, type: OscillatorType, loud: number): void {
  const own = context();
  for (const [pitch, at, lasts] of tune) {
    const tone = own.createOscillator();
    const volume = own.createGain();
    const from = own.currentTime + at;
    tone.type = type;
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(loud, from);
    volume.gain.exponentialRampToValueAtTime(0.001, from + lasts);
    tone.connect(volume).connect(own.destination);
    tone.start(from);
    tone.stop(from + lasts);
  }
}

const GOOD: Tune = [
  [660, 0, 0.4],
  [880, 0.18, 0.4],
];
/** Low, harsh and twice: nobody takes it for the other, whichever of the two they heard before. */
const REFUSED: Tune = [
  [196, 0, 0.3],
  [147, 0.35, 0.5],
];
export const chime = (good: boolean): void => (good ? play(GOOD, 'sine', 0.3) : play(REFUSED, 'square', 0.2));

/** Two tones in turn, as a siren. */
const ALARM: Tune = [
  [880, 0, 0.3],
  [620, 0.3, 0.3],
  [880, 0.6, 0.3],
  [620, 0.9, 0.4],
];
export const ring = (): void => play(ALARM, 'triangle', 0.4);

export function speak(words: string): void {
  if (!('speechSynthesis' in window) || words === '') return;
  const said = new SpeechSynthesisUtterance(words);
  said.lang = language.value === 'zh' ? 'zh-CN' : 'en';
  speechSynthesis.speak(said);
}
