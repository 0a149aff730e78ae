/** What happens, as it happens; and whether this page is heard at all. */
import { signal } from '@preact/signals';
import type { Overview } from '../../contract/overview.ts';

/** A CloudEvent as it comes. */
export interface Told {
  readonly id: string;
  /** `cn.campus.alarm.raised` */
  readonly type: string;
  /** RFC 3339 */
  readonly time: string;
  readonly source: string;
  readonly subject?: string;
  /** The journal's number; "0": the disk has it not. */
  readonly sequence: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export const overview = signal<Overview | undefined>(undefined);
/** Whether the gateway was heard in the last seconds. */
export const heard = signal(false);

/** The stream says something every two seconds: two in a row that are missing are an end. */
const SILENT_MS = 4500;
const LOOK_MS = 500;
const AGAIN_MS = 2000;
/** A browser has six lines to one server, over all its tabs: one that nobody looks at gives its own back. */
const HIDDEN_MS = 60_000;
const PREFIX = 'cn.campus.';

const listeners = new Set<(event: Told, type: string) => void>();
const returning = new Set<() => void>();

/** Calls back for each event, with its type without the prefix, until the function it gives is called. */
export function onEvent(listener: (event: Told, type: string) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
/** Calls back when what a page shows may be old: after more was missed than was told again. */
export function onReturn(listener: () => void): () => void {
  returning.add(listener);
  return () => returning.delete(listener);
}

let lastHeard = 0;
let lastId = '';
let source: EventSource | undefined;
let webVersion: string | undefined;

function note() {
  lastHeard = performance.now();
  heard.value = true;
}

/**
 * @param isSession whether the session is still one: asked where the server answers with none.
 * @param mayRest whether this page may be deaf while nobody looks at it: not where an alarm is to be heard.
 */
export function beginStream(isSession: () => Promise<boolean>, mayRest: () => boolean): void {
  let resting = false;
  const open = () => {
    source?.close();
    const own = new EventSource(
      lastId === '' ? '/api/stream' : `/api/stream?after=${encodeURIComponent(lastId)}`,
    );
    source = own;
    const on = (name: string, take: (data: unknown, id: string) => void) =>
      own.addEventListener(name, ({ data, lastEventId }: MessageEvent<string>) => {
        note();
        if (lastEventId !== '') lastId = lastEventId;
        take(JSON.parse(data), lastEventId);
      });
    on('hello', (data) => {
      const { webVersion: served } = data as { webVersion: string };
      // The gateway is another one than this page was made for.
      if (webVersion !== undefined && webVersion !== served) location.reload();
      webVersion = served;
    });
    on('overview', (data) => {
      if (data !== null && data !== undefined) overview.value = data as Overview;
    });
    on('missed', () => {
      for (const run of returning) run();
    });
    on('event', (data) => {
      const event = data as Told;
      for (const listener of listeners) listener(event, event.type.replace(PREFIX, ''));
    });
    own.addEventListener('error', () => {
      // A browser goes on by itself after a broken line, and gives up after an answer that is no stream.
      if (own.readyState !== EventSource.CLOSED || own !== source) return;
      setTimeout(async () => {
        if (await isSession()) open();
      }, AGAIN_MS);
    });
  };
  let hiding: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener('visibilitychange', () => {
    clearTimeout(hiding);
    if (document.hidden)
      hiding = setTimeout(() => {
        resting = mayRest();
        if (resting) source?.close();
      }, HIDDEN_MS);
    else if (resting) {
      resting = false;
      lastHeard = performance.now();
      open();
    }
  });
  setInterval(() => {
    if (resting) return;
    if (performance.now() - lastHeard > SILENT_MS && heard.value) heard.value = false;
    // A line that hangs breaks by no word of its own.
    if (performance.now() - lastHeard > SILENT_MS * 3) {
      lastHeard = performance.now();
      open();
    }
  }, LOOK_MS);
  lastHeard = performance.now();
  open();
}
