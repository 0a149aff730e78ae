/** What the gateway counts, for /metrics (Prometheus). What its process takes: process.ts. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { version } from '../version.ts';

export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({
    name: 'campus_build_info',
    help: 'Always 1: which version of the gateway runs, and on which Node',
    labelNames: ['version', 'node'],
    registers,
  }).set({ version, node: process.versions.node }, 1);
  const looks: (() => Promise<unknown>)[] = [];
  let looking: Promise<unknown> | undefined;
  /** One look for all that are asked together. */
  const look = async () => {
    looking ??= Promise.all(looks.map((run) => run())).finally(() => {
      looking = undefined;
    });
    await looking;
  };
  return {
    registry,
    /** Runs before /metrics answers: sets what is not counted as it happens. */
    beforeLook: (run: () => Promise<unknown>) => void looks.push(run),
    ...ofBacklogs(registers, look),
    ...ofDevices(registers),
    ...ofListeners(registers),
    ...ofTheRoad(registers),
    ...ofUplinks(registers),
    ...ofTheCampus(registers),
    ...ofPeople(registers),
  };
}

/** Devices and their lines. */
const ofDevices = (registers: Registry[]) => ({
  discarded: new Counter({
    name: 'campus_discarded_total',
    help: 'Frames and noise that made no sense',
    labelNames: ['device', 'reason'],
    registers,
  }),
  unmapped: new Counter({
    name: 'campus_unmapped_total',
    help: 'What devices told and no rule maps',
    labelNames: ['device'],
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
});

/** Ports that others connect to. */
const ofListeners = (registers: Registry[]) => ({
  turned: new Counter({
    name: 'campus_connections_turned_total',
    help: 'Connections that could not stay: let go for a newer one (shed), or no descriptor was left',
    labelNames: ['listener', 'why'],
    registers,
  }),
});

/** From an observation to the disk, and what becomes of the disk. */
const ofTheRoad = (registers: Registry[]) => ({
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
  unsaved: new Gauge({
    name: 'campus_unsaved_alarms',
    help: 'Alarms that the disk has not taken; they go out from memory',
    registers,
  }),
  commitSeconds: new Histogram({
    name: 'campus_append_seconds',
    help: 'From observation to disk',
    buckets: [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5],
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
});

/** Platforms. */
const ofUplinks = (registers: Registry[]) => ({
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
  certificateEnds: new Gauge({
    name: 'campus_certificate_not_after_timestamp_seconds',
    help: 'When a certificate ends, Unix time: the own one (gateway) and that of the broker (broker)',
    labelNames: ['uplink', 'whose'],
    registers,
  }),
  renewals: new Counter({
    name: 'campus_enrolment_renewals_total',
    help: 'Tries to renew the certificate of an enrolment: done, failed, withdrawn (refused for good)',
    labelNames: ['uplink', 'outcome'],
    registers,
  }),
});

/** What waits for platforms (uplink/backlog.ts). */
const ofBacklogs = (registers: Registry[], collect: () => Promise<void>) => ({
  backlog: new Gauge({
    name: 'campus_uplink_backlog_events',
    help: 'Events that the platform wants and has not, by the lane in which they will go',
    labelNames: ['uplink', 'lane'],
    registers,
    collect,
  }),
  oldestUndelivered: new Gauge({
    name: 'campus_uplink_oldest_undelivered_age_seconds',
    help: 'How long ago the oldest of them was seen; 0: there is none',
    labelNames: ['uplink', 'lane'],
    registers,
    collect,
  }),
});

/** What happens on the campus. */
const ofTheCampus = (registers: Registry[]) => ({
  disarmedTrips: new Counter({
    name: 'campus_disarmed_trips_total',
    help: 'What zones of disarmed areas and bypassed zones said: no alarm',
    labelNames: ['area'],
    registers,
  }),
  flooded: new Counter({
    name: 'campus_flooded_total',
    help: 'What devices said beyond what is let through at once: it waited, or was refused',
    labelNames: ['device', 'what'],
    registers,
  }),
  folded: new Counter({
    name: 'campus_folded_alarms_total',
    help: 'Alarms of flapping zones that were counted instead of told',
    labelNames: ['device'],
    registers,
  }),
  backups: new Counter({
    name: 'campus_backups_total',
    help: 'Backups that were made, and that failed',
    labelNames: ['result'],
    registers,
  }),
  backupAt: new Gauge({
    name: 'campus_backup_timestamp_seconds',
    help: 'Of which moment the newest backup is, where the config has `backup`',
    labelNames: ['campus'],
    registers,
  }),
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
  liveProcesses: new Gauge({ name: 'campus_live_processes', help: 'ffmpegs for live pictures', registers }),
  liveViewers: new Gauge({ name: 'campus_live_viewers', help: 'Who look at live pictures', registers }),
  mediaKept: new Counter({ name: 'campus_media_kept_total', help: 'Pictures and clips kept', registers }),
  mediaBytes: new Gauge({ name: 'campus_media_bytes', help: 'What pictures and clips take', registers }),
});

/** How much each device sent that made no sense, by reason. */
export async function discardsOf(metrics: Metrics): Promise<Record<string, Record<string, number>>> {
  const found: Record<string, Record<string, number>> = {};
  for (const { labels, value } of (await metrics.discarded.get()).values) {
    const { device = '', reason = '' } = labels as { device?: string; reason?: string };
    found[device] = { ...found[device], [reason]: value };
  }
  return found;
}

/** Who is told on the phone and by mail. */
const ofPeople = (registers: Registry[]) => ({
  notified: new Counter({
    name: 'campus_notifications_total',
    help: 'What contacts were to be told: told; given-up after a day; dropped because too much waited; not-needed any more',
    labelNames: ['contact', 'outcome'],
    registers,
  }),
  notifyWaiting: new Gauge({
    name: 'campus_notifications_waiting',
    help: 'What is due for a contact and not told yet',
    labelNames: ['contact'],
    registers,
  }),
});
