/** The screen at the gate: whose child may go now, large, with a sound, in Chinese. */
import { follow } from './common.js';

const byId = (id) => document.getElementById(id);
const SHOWN_MS = 6000;
const reasons = {
  'not-bound': '此卡未绑定学生',
  expired: '此卡已过期',
  blocked: '此卡已停用',
  'not-yet-valid': '此卡尚未生效',
  'not-now': '当前时段不可接送',
  'not-this-door': '请到其他门接送',
  lockdown: '校园封控中',
  passback: '请勿重复刷卡',
};

let sound;
/** Two notes up, or one low: browsers let them sound once somebody has touched the screen. */
function ring(good) {
  sound ??= new AudioContext();
  const notes = good ? [660, 880] : [220];
  for (const [i, pitch] of notes.entries()) {
    const tone = sound.createOscillator();
    const volume = sound.createGain();
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.3, sound.currentTime + i * 0.18);
    volume.gain.exponentialRampToValueAtTime(0.001, sound.currentTime + i * 0.18 + 0.4);
    tone.connect(volume).connect(sound.destination);
    tone.start(sound.currentTime + i * 0.18);
    tone.stop(sound.currentTime + i * 0.18 + 0.4);
  }
}
function speak(words) {
  if (!('speechSynthesis' in window)) return;
  const said = new SpeechSynthesisUtterance(words);
  said.lang = 'zh-CN';
  speechSynthesis.speak(said);
}

const waiting = [];
let showing = false;
function next() {
  const pickup = waiting.shift();
  if (pickup === undefined) {
    showing = false;
    document.body.className = 'gate';
    byId('names').textContent = '请刷卡';
    byId('names').className = 'names';
    byId('class').textContent = '';
    byId('why').textContent = '';
    return;
  }
  showing = true;
  const { decision, reason, children } = pickup;
  const good = decision === 'granted';
  const names = children.map(({ name }) => name);
  const classes = [...new Set(children.map((child) => child.class).filter(Boolean))];
  document.body.className = `gate ${good ? 'granted' : 'denied'}`;
  byId('names').textContent = good ? names.join('　') : '不能接走';
  byId('names').className = names.length > 1 ? 'names many' : 'names';
  byId('class').textContent = good ? classes.join('　') : names.join('　');
  byId('why').textContent = good
    ? ''
    : decision === 'unknown'
      ? '未登记的卡'
      : (reasons[reason] ?? '请联系老师');
  ring(good);
  speak(good ? `${classes.join('，')}，${names.join('，')}，家长来接` : byId('why').textContent);
  // While others wait, each is shown for less.
  setTimeout(next, waiting.length > 0 ? SHOWN_MS / 3 : SHOWN_MS);
}

follow(
  `/api/gate/${location.pathname.split('/').pop()}`,
  (pickup) => {
    waiting.push(pickup);
    if (!showing) next();
  },
  (there) => {
    byId('footer').textContent = there ? '' : '网关无应答';
  },
);
