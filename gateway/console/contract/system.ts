/** The gateway itself: its machine, its disk, its clock, its certificates, its config, and who did what. Times are RFC 3339. */
import { z } from 'zod';

const time = z.string();

const certificateSchema = z.object({
  /** Where in the config it is named: `uplinks.police.tls.certFile`. */
  where: z.string(),
  file: z.string(),
  subject: z.string(),
  issuer: z.string(),
  starts: time,
  ends: time,
  /** Whole days until then; below 0: it has ended. */
  days: z.number(),
});

/** What the file system says of the disk under the journal, and what the journal takes of it. Bytes. */
const diskSchema = z.object({
  directory: z.string(),
  /** undefined: it does not answer. */
  free: z.number().optional(),
  total: z.number().optional(),
  /** Below it, it is low. */
  lowAt: z.number(),
  journal: z.number(),
  /** What the journal may take before what is old goes. */
  budget: z.number(),
  media: z.number(),
  /** Why it is low: `disk`, `backlog`; empty: it is not. */
  low: z.array(z.string()),
  /** Whether events can be put on it; if not, why and since when. */
  good: z.boolean(),
  code: z.string().optional(),
  reason: z.string().optional(),
  since: time.optional(),
  /** Alarms that it has not taken. */
  unsaved: z.number(),
  /** Damaged copies of the journal that were set aside. */
  damaged: z.array(z.string()),
});

export const systemSchema = z.object({
  versions: z.object({
    gateway: z.string(),
    /** Of the contract with platforms. */
    contract: z.string(),
    node: z.string(),
    openssl: z.string(),
    kernel: z.string(),
  }),
  campus: z.object({ id: z.string(), name: z.string() }),
  host: z.string(),
  architecture: z.string(),
  startedAt: time,
  pid: z.number(),
  /** What the process takes, what the machine has and what is free of it, bytes. */
  memory: z.object({ process: z.number(), total: z.number(), free: z.number() }),
  /** Processes that want a core, on average of 1, 5 and 15 minutes; and how many cores there are. */
  load: z.object({ averages: z.array(z.number()), cores: z.number() }),
  machineUpMs: z.number(),
  disk: diskSchema,
  clock: z.object({
    now: time,
    timezone: z.string(),
    /** By NTP; null: the system does not say. */
    synchronised: z.boolean().nullable(),
    /** The last jump against the monotonic clock since the start, forwards positive. */
    jumped: z.object({ at: time, ms: z.number() }).optional(),
  }),
  /** What came of the last reload of the config. */
  reloaded: z
    .object({
      number: z.number(),
      at: time,
      by: z.string(),
      done: z.boolean(),
      /** What differed, each as a sentence. */
      changes: z.array(z.object({ en: z.string(), zh: z.string() })),
      /** What is wrong with the file, each with its place. */
      errors: z.array(z.object({ en: z.string(), zh: z.string() })),
      /** Why it was not taken up though it is right. */
      why: z.object({ en: z.string(), zh: z.string() }).optional(),
      /** The name of the version that is kept of it. */
      version: z.string().optional(),
    })
    .optional(),
});
export type System = z.output<typeof systemSchema>;

export const certificatesSchema = z.object({
  certificates: z.array(certificateSchema),
  /** Files that are named, and out of which none can be read. */
  unreadable: z.array(z.object({ where: z.string(), file: z.string(), reason: z.string() })),
});
export type Certificates = z.output<typeof certificatesSchema>;

/** Lines of the file, with what is secret hidden. */
export const configTextSchema = z.object({
  file: z.string(),
  /** From this line, 1 being the first; how many the file has. */
  from: z.number(),
  total: z.number(),
  lines: z.array(z.string()),
  changedAt: time,
  /** Whether it is the one that the gateway runs with, byte for byte; null: that is not known. */
  isTaken: z.boolean().nullable(),
});
export type ConfigText = z.output<typeof configTextSchema>;

export const configCheckSchema = z.object({
  /** `error`: the gateway would not take it up; `warning`: it works and should not stay so. */
  problems: z.array(
    z.object({
      level: z.enum(['error', 'warning']),
      /** Absent where it is the config itself. */
      file: z.string().optional(),
      line: z.number(),
      column: z.number(),
      message: z.string(),
    }),
  ),
  /** How many more there are. */
  more: z.number(),
  /** Files with secrets that other users of the machine can read, and the command that mends it. */
  open: z.array(z.object({ file: z.string(), mode: z.string(), run: z.string() })),
});
export type ConfigCheck = z.output<typeof configCheckSchema>;

const entrySchema = z.object({
  number: z.number(),
  at: time,
  /** What it is about: `command`, `outcome`, `login`, `config`; '' where it cannot be read. */
  kind: z.string(),
  /** The rest of the entry. */
  body: z.record(z.string(), z.unknown()),
  hash: z.string(),
});
export type AuditEntry = z.output<typeof entrySchema>;

export const auditPageSchema = z.object({
  /** The newest first. */
  entries: z.array(entrySchema),
  /** To go on from, as `before`; absent: there are no more. */
  next: z.number().optional(),
});
export type AuditPage = z.output<typeof auditPageSchema>;

export const chainSchema = z.object({
  /** When it was followed. */
  at: time,
  entries: z.number(),
  first: z.number().optional(),
  last: z.number().optional(),
  /** Of the last entry: the same goes to platforms with the events about commands. */
  hash: z.string(),
  /** The first entry that does not fit; absent: it is whole. */
  broken: z.object({ number: z.number(), reason: z.string() }).optional(),
});
export type AuditChain = z.output<typeof chainSchema>;

/** As gateway/doctor/finding.ts has them, which the pages cannot load. */
const doctorSubjects = [
  ...(['clock', 'disk', 'files', 'memory', 'watchdog', 'video'] as const),
  ...(['ports', 'names', 'platforms', 'devices', 'contacts'] as const),
] as const;

export const examinationSchema = z.object({
  at: time,
  findings: z.array(
    z.object({
      about: z.enum(doctorSubjects),
      /** `bad`: alarms are lost or late like this; `note`: it works, and should not stay so. */
      is: z.enum(['good', 'note', 'bad']),
      /** What was found, and what to do. */
      en: z.string(),
      zh: z.string(),
    }),
  ),
});
export type Examination = z.output<typeof examinationSchema>;
