/** The line to the server: what it tells of as it happens, and whether it is heard at all. */
import { signal } from '@preact/signals';

/** Whether the server was heard in the last seconds. */
export const heard = signal(false);
let wasEver = false;
/** Whether it was heard since the page is there. */
export const wasHeard = (): boolean => wasEver;

/** The stream says something every two seconds: two in a row that are missing are an end. */
const SILENT_MS = 4500;
/** A line that broke, and is not there again at once, is believed sooner. */
const BROKEN_MS = 3500;
const LOOK_MS = 500;
const AGAIN_MS = 2000;
/** A browser has six lines to one server, over all its tabs: one that nobody looks at gives its own back. */
const HIDDEN_MS = 60_000;

const listeners = new Set<(what: string) => void>();
const returning = new Set<() => void>();

/** Calls back with the name of whatever happens, until the function it gives is called. */
export function onHappening(listener: (what: string) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
export function happened(what: string): void {
  for (const listener of listeners) listener(what);
}
/** Calls back when what a page shows may be old: after more was missed than was told again. */
export function onReturn(listener: () => void): () => void {
  returning.add(listener);
  return () => returning.delete(listener);
}

let lastHeard = 0;
let isBroken = false;
let lastId = '';
let source: EventSource | undefined;
let webVersion: string | undefined;

function note() {
  lastHeard = performance.now();
  isBroken = false;
  wasEver = true;
  heard.value = true;
}

export interface LineOptions {
  /** What is done with each kind of what comes, beside the line's own `hello` and `missed`. */
  readonly take: Readonly<Record<string, (data: unknown) => void>>;
  /** Whether the session is still one: asked where the server answers with none. */
  readonly isSession: () => Promise<boolean>;
  /** Whether this page may be deaf while nobody looks at it: not where an alarm is to be heard. */
  readonly mayRest: () => boolean;
}

function listen(options: LineOptions): void {
  const { take, isSession } = options;
  source?.close();
  const own = new EventSource(
    lastId === '' ? '/api/stream' : `/api/stream?after=${encodeURIComponent(lastId)}`,
  );
  source = own;
  const on = (name: string, act: (data: unknown) => void) =>
    own.addEventListener(name, ({ data, lastEventId }: MessageEvent<string>) => {
      note();
      if (lastEventId !== '') lastId = lastEventId;
      act(JSON.parse(data));
    });
  on('hello', (data) => {
    const { webVersion: served } = data as { webVersion: string };
    // The server is another one than this page was made for.
    if (webVersion !== undefined && webVersion !== served) location.reload();
    webVersion = served;
  });
  on('missed', () => {
    for (const run of returning) run();
  });
  for (const [name, act] of Object.entries(take)) on(name, act);
  own.addEventListener('error', () => {
    isBroken ||= own === source;
    // A browser goes on by itself after a broken line, and gives up after an answer that is no stream.
    if (own.readyState !== EventSource.CLOSED || own !== source) return;
    setTimeout(async () => {
      if (await isSession()) listen(options);
    }, AGAIN_MS);
  });
}

/** Once, for as long as the page is there. */
export function beginLine(options: LineOptions): void {
  let resting = false;
  let hiding: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener('visibilitychange', () => {
    clearTimeout(hiding);
    if (document.hidden)
      hiding = setTimeout(() => {
        resting = options.mayRest();
        if (resting) source?.close();
      }, HIDDEN_MS);
    else if (resting) {
      resting = false;
      lastHeard = performance.now();
      listen(options);
    }
  });
  setInterval(() => {
    if (resting) return;
    if (performance.now() - lastHeard > (isBroken ? BROKEN_MS : SILENT_MS)) heard.value = false;
    // A line that hangs breaks by no word of its own.
    if (performance.now() - lastHeard > SILENT_MS * 3) {
      lastHeard = performance.now();
      listen(options);
    }
  }, LOOK_MS);
  lastHeard = performance.now();
  listen(options);
}
