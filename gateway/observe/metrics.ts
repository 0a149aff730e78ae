/** What the gateway counts, and the small HTTP server that tells it: /metrics (Prometheus) and /health. */
import { createServer, type IncomingMessage } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  // Two of prom-client's default metrics by hand: the rest keep a timer of 10 ms running for ever.
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    name: 'process_cpu_seconds_total',
    help: 'CPU time, user and system',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.set((user + system) / 1e6);
    },
  });
  return {
    registry,
    events: new Counter({
      name: 'campus_events_total',
      help: 'Events put on disk',
      labelNames: ['type'],
      registers,
    }),
    repeats: new Counter({
      name: 'campus_repeats_total',
      help: 'Observations that were on disk already',
      registers,
    }),
    refused: new Counter({
      name: 'campus_append_failures_total',
      help: 'Events that the disk refused',
      registers,
    }),
    discarded: new Counter({
      name: 'campus_discarded_total',
      help: 'Frames and noise that made no sense',
      labelNames: ['device', 'reason'],
      registers,
    }),
    discardedBytes: new Counter({
      name: 'campus_discarded_bytes_total',
      help: 'Bytes of them',
      labelNames: ['device'],
      registers,
    }),
    devices: new Gauge({
      name: 'campus_device_online',
      help: '1 while the device answers',
      labelNames: ['device'],
      registers,
    }),
    sessions: new Counter({
      name: 'campus_session_failures_total',
      help: 'Driver sessions that ended in an error',
      labelNames: ['line'],
      registers,
    }),
    delivered: new Counter({
      name: 'campus_delivered_total',
      help: 'Events that the broker acknowledged',
      labelNames: ['uplink', 'lane'],
      registers,
    }),
    connected: new Gauge({
      name: 'campus_uplink_connected',
      help: '1 while connected to the broker',
      labelNames: ['uplink'],
      registers,
    }),
    unsaved: new Gauge({
      name: 'campus_unsaved_alarms',
      help: 'Alarms that the disk has not taken; they go out from memory',
      registers,
    }),
    dropped: new Counter({
      name: 'campus_dropped_total',
      help: 'Events that retention removed before a platform had them',
      labelNames: ['uplink', 'lane'],
      registers,
    }),
    storageLow: new Gauge({
      name: 'campus_storage_low',
      help: '1 while the disk (disk) or the room for a backlog (backlog) is low',
      labelNames: ['reason'],
      registers,
    }),
    diskFree: new Gauge({ name: 'campus_disk_free_bytes', help: 'Free disk under the journal', registers }),
    journalBytes: new Gauge({ name: 'campus_journal_bytes', help: 'What the journal takes', registers }),
    held: new Gauge({
      name: 'campus_uplink_held_topics',
      help: 'Topics that the broker refuses',
      labelNames: ['uplink'],
      registers,
    }),
    publishRefused: new Counter({
      name: 'campus_publish_refused_total',
      help: 'Refusals of the broker, by reason code',
      labelNames: ['uplink', 'code'],
      registers,
    }),
    uplinkDiscarded: new Counter({
      name: 'campus_uplink_discarded_total',
      help: 'Receipts and commands of a platform that made no sense',
      labelNames: ['uplink', 'reason'],
      registers,
    }),
    disarmedTrips: new Counter({
      name: 'campus_disarmed_trips_total',
      help: 'What zones of disarmed areas and bypassed zones said: no alarm',
      labelNames: ['area'],
      registers,
    }),
    folded: new Counter({
      name: 'campus_folded_alarms_total',
      help: 'Alarms of flapping zones that were counted instead of told',
      labelNames: ['device'],
      registers,
    }),
    liveProcesses: new Gauge({ name: 'campus_live_processes', help: 'ffmpegs for live pictures', registers }),
    liveViewers: new Gauge({ name: 'campus_live_viewers', help: 'Who look at live pictures', registers }),
    mediaKept: new Counter({ name: 'campus_media_kept_total', help: 'Pictures and clips kept', registers }),
    mediaBytes: new Gauge({ name: 'campus_media_bytes', help: 'What pictures and clips take', registers }),
    credentials: new Gauge({
      name: 'campus_credentials',
      help: 'Cards in the list of credentials',
      registers,
    }),
    decisions: new Counter({
      name: 'campus_access_decisions_total',
      help: 'Cards at doors: granted, denied, unknown',
      labelNames: ['door', 'decision'],
      registers,
    }),
    decisionSeconds: new Histogram({
      name: 'campus_access_decision_seconds',
      help: 'From a card to the decision about it',
      buckets: [0.0001, 0.001, 0.005, 0.05],
      registers,
    }),
    commands: new Counter({
      name: 'campus_commands_total',
      help: 'Commands that were carried out, or tried',
      labelNames: ['source', 'action'],
      registers,
    }),
    commandsRefused: new Counter({
      name: 'campus_commands_refused_total',
      help: 'Commands that were refused: malformed, not allowed, forged, expired',
      labelNames: ['source'],
      registers,
    }),
    certificateDays: new Gauge({
      name: 'campus_certificate_days',
      help: 'Days until a certificate ends: the own one (gateway) and that of the broker (broker)',
      labelNames: ['uplink', 'whose'],
      registers,
    }),
    commitSeconds: new Histogram({
      name: 'campus_append_seconds',
      help: 'From observation to disk',
      buckets: [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5],
      registers,
    }),
  };
}

/** How much each device sent that made no sense, by reason. */
export async function discardsOf(metrics: Metrics): Promise<Record<string, Record<string, number>>> {
  const found: Record<string, Record<string, number>> = {};
  for (const { labels, value } of (await metrics.discarded.get()).values) {
    const { device = '', reason = '' } = labels as { device?: string; reason?: string };
    found[device] = { ...found[device], [reason]: value };
  }
  return found;
}

/** Wakes this often to see how late it is. */
const LOOP_RESOLUTION_MS = 10;

/** How late the event loop is; each look at the metrics begins a new window. */
function watchLoop({ registry }: Metrics) {
  const histogram = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  histogram.enable();
  const gauge = new Gauge({
    name: 'campus_event_loop_delay_seconds',
    help: 'How late the event loop was since the last look',
    labelNames: ['quantile'],
    registers: [registry],
    collect() {
      for (const quantile of [0.5, 0.99, 1]) {
        // Of its own timer: it is called late by that much more than its resolution.
        const late = histogram.percentile(quantile * 100) / 1e6 - LOOP_RESOLUTION_MS;
        gauge.set({ quantile }, Math.max(0, late) / 1000);
      }
      histogram.reset();
    },
  });
  return { close: () => histogram.disable() };
}

export interface Health {
  readonly healthy: boolean;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface StatusServer {
  close(): Promise<void>;
}

/** @throws what `listen` throws, where the port is taken. */
/** The warnings of platforms, as far as the status server shows them. */
export interface NoticeBoard {
  list(): readonly object[];
  noteRead(id: string, by: string): Promise<boolean>;
}

const BODY_MAX = 1024;

/** Who read it; undefined: the request is not `{"by": "..."}` as JSON (a browser's form cannot send that here). */
async function readBy(request: IncomingMessage): Promise<string | undefined> {
  if (request.headers['content-type'] !== 'application/json') return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_MAX) return undefined;
    chunks.push(chunk);
  }
  try {
    const { by } = JSON.parse(Buffer.concat(chunks).toString()) as { by?: unknown };
    return typeof by === 'string' && by.length > 0 && by.length <= 100 ? by : undefined;
  } catch {
    return undefined;
  }
}

export async function serveStatus(
  { host, port }: { host: string; port: number },
  metrics: Metrics,
  notices: NoticeBoard,
  health: () => Promise<Health>,
): Promise<StatusServer> {
  const loop = watchLoop(metrics);
  const server = createServer((request, response) => {
    const noticeId = /^\/notices\/([^/]+)\/read$/.exec(request.url ?? '')?.[1];
    if (request.url === '/notices') {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(`${JSON.stringify(notices.list())}\n`);
    } else if (noticeId !== undefined && request.method === 'POST') {
      readBy(request)
        .then(async (by) =>
          by === undefined ? 400 : (await notices.noteRead(decodeURIComponent(noticeId), by)) ? 204 : 404,
        )
        .catch(() => 503)
        .then((status) => response.writeHead(status).end());
    } else if (request.url === '/metrics') {
      metrics.registry.metrics().then(
        (text) => response.writeHead(200, { 'content-type': metrics.registry.contentType }).end(text),
        () => response.writeHead(500).end(),
      );
    } else if (request.url === '/health') {
      health().then(
        ({ healthy, details }) => {
          response.writeHead(healthy ? 200 : 503, { 'content-type': 'application/json' });
          response.end(`${JSON.stringify({ healthy, ...details })}\n`);
        },
        () => response.writeHead(500).end(),
      );
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, resolve);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        loop.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
