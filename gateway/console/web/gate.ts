/**
 * The screen at a gate: whose child may go now, large, with a sound. It hangs on a wall for years: what breaks, it mends
 * by itself.
 */
import { render } from 'preact';
import type { GateHello, Pickup } from '../contract/gate.ts';
import { ApiError, post } from './kit/api.ts';
import { html, signal } from './kit/html.ts';
import { chime, soundIsOff, speak, touch } from './kit/sound.ts';
import { createTurns } from './kit/turns.ts';
import { label, t, type Word } from './kit/words.ts';
import { gate, whyNot } from './words/gate.ts';

/** The gateway says something every two seconds. */
const SILENT_MS = 5000;
const LOOK_MS = 500;
const AGAIN_MS = 3000;

const door = decodeURIComponent(location.pathname.split('/').at(-1) ?? '');

/** `away`: nothing is heard; `no-login`: the server wants to know who this is; `no-door`: of no gate. */
type Line = 'beginning' | 'there' | 'away' | 'no-login' | 'no-door';
const line = signal<Line>('beginning');
const shown = signal<Pickup | undefined>(undefined);
const place = signal<GateHello | undefined>(undefined);

const namesOf = ({ children }: Pickup) => children.map(({ name }) => name);
const classesOf = ({ children }: Pickup) => [
  ...new Set(children.flatMap(({ class: own }) => (own === undefined ? [] : [own]))),
];
function reasonOf({ decision, reason }: Pickup): string {
  if (decision === 'unknown') return t(gate.unknown);
  if (reason === undefined) return t(gate.ask);
  const own: Word | undefined = (whyNot as Readonly<Record<string, Word>>)[reason];
  return own === undefined ? label('reason', reason) : t(own);
}

function show(pickup: Pickup | undefined): void {
  shown.value = pickup;
  if (pickup === undefined) return;
  const good = pickup.decision === 'granted';
  chime(good);
  const words = { classes: classesOf(pickup).join(' '), names: namesOf(pickup).join(' ') };
  speak(good ? t(gate.comesFor, words) : reasonOf(pickup));
}
const turns = createTurns<Pickup>(({ decision }) => decision !== 'granted', show, {
  elapsed: () => performance.now(),
  after(ms, run) {
    const one = setTimeout(run, ms);
    return { stop: () => clearTimeout(one) };
  },
});

let source: EventSource | undefined;
let lastHeard = 0;
let webVersion: string | undefined;

/** Why the server gives no stream: asked before anything is said, as a token may be withdrawn and the gateway be well. */
async function lookWhy(own: EventSource): Promise<void> {
  const answer = await fetch(`/api/gate/${encodeURIComponent(door)}`, {
    signal: AbortSignal.timeout(SILENT_MS),
  })
    .then((response) => {
      void response.body?.cancel();
      return response.status;
    })
    .catch(() => 0);
  // Meanwhile the line is there again, or another was opened.
  if (own !== source || own.readyState === EventSource.OPEN) return;
  if (answer === 401 || answer === 403) line.value = 'no-login';
  else if (answer === 404) line.value = 'no-door';
  else line.value = 'away';
}

function open(): void {
  source?.close();
  lastHeard = performance.now();
  const own = new EventSource(`/api/gate/${encodeURIComponent(door)}`);
  source = own;
  const on = <T>(name: string, take: (data: T) => void) =>
    own.addEventListener(name, ({ data }: MessageEvent<string>) => {
      if (own !== source) return;
      lastHeard = performance.now();
      line.value = 'there';
      take(JSON.parse(data) as T);
    });
  on<GateHello>('hello', (hello) => {
    // The gateway is another one than this page was made for.
    if (webVersion !== undefined && webVersion !== hello.webVersion) location.reload();
    webVersion = hello.webVersion;
    place.value = hello;
    document.title = `${hello.campus} ${hello.door}`;
  });
  on<Pickup>('pickup', turns.add);
  on('beat', () => {});
  own.addEventListener('error', () => {
    if (own !== source) return;
    void lookWhy(own);
    // A browser goes on by itself after a broken line, and gives up after an answer that is no stream.
    if (own.readyState !== EventSource.CLOSED) return;
    setTimeout(() => own === source && open(), AGAIN_MS);
  });
}
function watch(): void {
  const silentMs = performance.now() - lastHeard;
  if (silentMs > SILENT_MS && (line.value === 'there' || line.value === 'beginning')) line.value = 'away';
  // A line that hangs breaks by no word of its own.
  if (silentMs > SILENT_MS * 2) open();
}

function Screen() {
  const pickup = shown.value;
  if (pickup !== undefined) {
    const good = pickup.decision === 'granted';
    const names = namesOf(pickup);
    const many = names.length > 4 ? 'crowd' : names.length > 1 ? 'many' : '';
    const classes = classesOf(pickup).join('　');
    return html`<main class="screen ${good ? 'granted' : 'denied'}" aria-live="assertive">
      <h1 class="names ${good ? many : ''}">${good ? names.join('　') : t(gate.refused)}</h1>
      <p class="classes">${good ? classes : names.join('　')}</p>
      ${!good && html`<p class="why">${reasonOf(pickup)}</p>`}
    </main>`;
  }
  const [title, more]: readonly [Word, Word?] =
    line.value === 'no-login'
      ? [gate.noLogin, gate.howToLogin]
      : line.value === 'no-door'
        ? [gate.noDoor]
        : line.value === 'away'
          ? [gate.away, gate.again]
          : [gate.ready];
  const isReady = title === gate.ready;
  return html`<main class="screen ${isReady ? '' : 'away'}" aria-live="assertive">
    <h1 class="names ${isReady ? '' : 'crowd'}">${t(title)}</h1>
    ${more !== undefined && html`<p class="why">${t(more)}</p>`}
    <p class="foot">
      ${place.value?.door}
      ${soundIsOff.value && html` <button type="button" onClick=${touch}>${t(gate.sound)}</button>`}
    </p>
  </main>`;
}

/** A screen that sleeps shows nobody. Browsers allow it over TLS, and on this machine. */
const stayAwake = () => void navigator.wakeLock?.request('screen').catch(() => {});

async function begin(): Promise<void> {
  // A token that came in the address is taken out of it at once: it is in no history.
  const token = location.hash.slice(1);
  if (token !== '') history.replaceState(null, '', location.pathname);
  for (let entered = token === ''; !entered; )
    try {
      await post('/login', { token });
      entered = true;
    } catch (error) {
      // Without an answer the gateway is not there yet; any other answer will be the same again.
      entered = error instanceof ApiError && error.status !== 0 && error.status !== 429;
      const isRefused = error instanceof ApiError && (error.status === 401 || error.status === 403);
      line.value = isRefused ? 'no-login' : 'away';
      if (!entered) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  open();
  setInterval(watch, LOOK_MS);
}

const root = document.getElementById('app');
if (root !== null) render(html`<${Screen} />`, root);
addEventListener('pointerdown', touch);
addEventListener('keydown', touch);
document.addEventListener('visibilitychange', stayAwake);
stayAwake();
void begin();
