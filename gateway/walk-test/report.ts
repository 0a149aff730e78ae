/**
 * A commissioning report as one page of HTML: A4 when it is printed, readable on a screen, without scripts and without
 * anything from elsewhere. What devices, files and people said is text in it, whatever it looks like. Pure.
 */
import { type PointKind, pointKinds } from './points.ts';
import type { RecordedPoint, WalkRecord } from './record.ts';
import { endingWords, kindWords, type Language, tripWords, type Word, words } from './report-words.ts';
import { isHeldBack, isTested } from './walk.ts';

export type { Language } from './report-words.ts';

/** Text that is markup already. */
interface Markup {
  readonly markup: string;
}
type Part = string | number | undefined | Markup | readonly Part[];

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ '&': '&amp;', '<': '&lt;', '>': '&gt;' },
  ...{ '"': '&quot;', "'": '&#39;' },
};
const escaped = (text: string) => text.replace(/[&<>"']/g, (sign) => ESCAPES[sign] ?? sign);
function rendered(part: Part): string {
  if (part === undefined) return '';
  if (typeof part === 'string' || typeof part === 'number') return escaped(String(part));
  return 'markup' in part ? part.markup : part.map(rendered).join('');
}
const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Markup => ({
  markup: strings.map((text, i) => text + rendered(parts[i])).join(''),
});

const STYLE: Markup = {
  markup: `@page { size: A4; margin: 16mm 14mm; }
* { box-sizing: border-box; }
body { font: 10.5pt/1.45 "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC", Helvetica, Arial, sans-serif; color: #111; margin: 0 auto; max-width: 186mm; padding: 4mm; }
h1 { font-size: 18pt; margin: 0 0 4mm; }
h2 { font-size: 12.5pt; margin: 7mm 0 2mm; border-bottom: 0.4mm solid #111; break-after: avoid; }
table { border-collapse: collapse; width: 100%; }
th, td { border: 0.2mm solid #999; padding: 1mm 1.8mm; text-align: left; vertical-align: top; overflow-wrap: anywhere; min-width: 14mm; }
th:first-child, td:first-child { min-width: 32mm; }
th { background: #eee; font-weight: 600; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
td.n, th.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.6mm 5mm; margin: 0; }
dt { color: #444; } dd { margin: 0; overflow-wrap: anywhere; }
.wrong { color: #a00; } .note { color: #444; font-size: 9.5pt; margin: 1mm 0; }
code { font: 8.5pt/1.4 "DejaVu Sans Mono", "Noto Sans Mono", monospace; overflow-wrap: anywhere; }
.sign { display: grid; grid-template-columns: repeat(3, 1fr); gap: 6mm; break-inside: avoid; }
.sign p { margin: 0 0 8mm; font-weight: 600; } .sign span { display: block; border-bottom: 0.3mm solid #111; margin: 0 0 6mm; color: #444; font-size: 9.5pt; }`,
};

interface Told {
  readonly record: WalkRecord;
  t(word: Word, values?: Readonly<Record<string, string | number>>): string;
  time(iso: string): string;
}

/** Whole of it, from `<!doctype html>`. */
export function reportHtml(record: WalkRecord, language: Language): string {
  const told = tellerOf(record, language);
  const { t } = told;
  const sections = [headOf, coverageOf, untriedOf, latenciesOf, eachOf, othersOf, devicesOf, platformsOf];
  return html`<!doctype html>
<html lang="${language === 'zh' ? 'zh-CN' : 'en'}"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>${t(words.title)} ${record.campus.name} ${record.id}</title><style>${STYLE}</style></head><body>
${sections.map((section) => section(told))}
${certificatesOf(told)}${proofOf(told)}${signaturesOf(told)}
</body></html>
`.markup;
}

function tellerOf(record: WalkRecord, language: Language): Told {
  const format = new Intl.DateTimeFormat(language === 'zh' ? 'zh-CN' : 'en-GB', {
    ...{ timeZone: record.timezone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit' },
    ...{ hour: '2-digit', minute: '2-digit', second: '2-digit' },
  });
  return {
    record,
    t: ([en, zh], values = {}) =>
      (language === 'zh' ? zh : en).replace(/\{(\w+)\}/g, (whole, name: string) =>
        String(values[name] ?? whole),
      ),
    time: (iso) => format.format(new Date(iso)),
  };
}

interface Cell {
  readonly number: Part;
}
const isNumber = (cell: Part | Cell): cell is Cell => typeof cell === 'object' && 'number' in cell;
const cellOf = (cell: Part | Cell): Markup =>
  isNumber(cell) ? html`<td class="n">${cell.number}</td>` : html`<td>${cell}</td>`;
function table(heads: readonly string[], rows: readonly (readonly (Part | Cell)[])[]): Markup {
  const first = rows[0] ?? [];
  return html`<table><thead><tr>${heads.map((head, i) =>
    isNumber(first[i]) ? html`<th class="n">${head}</th>` : html`<th>${head}</th>`,
  )}</tr></thead><tbody>${rows.map((row) => html`<tr>${row.map(cellOf)}</tr>`)}</tbody></table>`;
}
const list = (entries: readonly (readonly [string, Part])[]): Markup =>
  html`<dl>${entries.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;

function headOf({ record, t, time }: Told): Markup {
  const { campus, areas, version, timezone } = record;
  return html`<h1>${t(words.title)}</h1>${list([
    [t(words.campus), campus.name],
    [t(words.number), campus.id],
    [t(words.report), record.id],
    [t(words.tested), areas === null ? t(words.whole) : areas.map(({ name }) => name).join(', ')],
    [t(words.by), record.by],
    [t(words.from), `${time(record.startedAt)} (${timezone})`],
    [t(words.to), time(record.endedAt)],
    [t(words.ended), t(endingWords[record.ending])],
    [t(words.gateway), `Campus Gateway ${version}`],
  ])}`;
}

function coverageOf({ record: { points }, t }: Told): Markup {
  const rowOf = (name: string, own: readonly RecordedPoint[]) => {
    const tried = own.filter(isTested).length;
    const share = own.length === 0 ? '' : `${Math.floor((tried / own.length) * 100)} %`;
    return [name, { number: own.length }, { number: tried }, { number: share }];
  };
  const ofKind = (kind: PointKind) => points.filter((point) => point.kind === kind);
  const kinds = pointKinds.filter((kind) => ofKind(kind).length > 0);
  return html`<h2>${t(words.coverage)}</h2>${table(
    [t(words.kind), t(words.points), t(words.tried), t(words.share)],
    [...kinds.map((kind) => rowOf(t(kindWords[kind]), ofKind(kind))), rowOf(t(words.all), points)],
  )}`;
}

/** `panel 1234/9`. */
const placeOf = ({ device, account, zone }: RecordedPoint): string =>
  [device, [account, zone].filter((one) => one !== undefined).join('/')]
    .filter((one) => one !== '')
    .join(' ');

function untriedOf({ record: { points }, t, time }: Told): Markup {
  const why = ({ tick, remark, ...point }: RecordedPoint) =>
    [
      tick?.refused === true && t(words.refused, { at: time(tick.at) }),
      tick !== undefined &&
        tick.refused === undefined &&
        t(isHeldBack(point) ? words.silent : words.nothingNew, { at: time(tick.at) }),
      remark !== undefined && `${remark.text} (${remark.by})`,
    ]
      .filter((one) => typeof one === 'string')
      .join('; ');
  const untried = points.filter((point) => !isTested(point));
  return html`<h2>${t(words.untried)}</h2>${
    untried.length === 0
      ? html`<p>${t(words.nothingUntried)}</p>`
      : table(
          [t(words.point), t(words.kind), t(words.device), t(words.remark)],
          untried.map((point) => [...[point.name, t(kindWords[point.kind]), placeOf(point)], why(point)]),
        )
  }`;
}

/** Of numbers: the median, and the largest. */
export function spreadOf(
  all: readonly number[],
): { readonly median: number; readonly worst: number } | undefined {
  const sorted = [...all].sort((a, b) => a - b);
  const worst = sorted.at(-1);
  // Nearest rank: of an even count the lower one of the two in the middle.
  const median = sorted[Math.ceil(sorted.length / 2) - 1];
  return worst === undefined || median === undefined ? undefined : { median, worst };
}

function latenciesOf({ record: { points, platforms }, t }: Told): Markup {
  const ticks = points.flatMap(({ tick }) => (tick === undefined ? [] : [tick]));
  const seen = new Set([
    ...platforms.map(({ id }) => id),
    ...ticks.flatMap((tick) => Object.keys(tick.platforms)),
  ]);
  const number = (ms: number | undefined) => (ms === undefined ? [] : [ms]);
  const rowOf = (way: string, all: readonly number[]) => {
    const spread = spreadOf(all);
    return [
      way,
      { number: all.length },
      { number: spread?.median.toFixed(1) ?? t(words.none) },
      { number: spread?.worst.toFixed(1) ?? t(words.none) },
    ];
  };
  return html`<h2>${t(words.latencies)}</h2><p class="note">${t(words.latencyNote)}</p>${table(
    [t(words.way), t(words.measured), t(words.median), t(words.worst)],
    [
      rowOf(
        t(words.toDisk),
        ticks.flatMap(({ disk }) => number(disk)),
      ),
      ...[...seen].map((id) =>
        rowOf(
          t(words.toPlatform, { id }),
          ticks.flatMap((tick) => number(tick.platforms[id])),
        ),
      ),
      rowOf(
        t(words.toLamp),
        ticks.flatMap(({ lamp }) => number(lamp)),
      ),
    ],
  )}`;
}

function eachOf({ record: { points }, t, time }: Told): Markup {
  const ms = (value: number | undefined) => ({ number: value?.toFixed(1) ?? t(words.none) });
  const rows = points.filter(isTested).map((point) => {
    const { tick } = point;
    const platforms = Object.values(tick?.platforms ?? {});
    return [
      html`${point.name}<br><small>${placeOf(point)}</small>`,
      ...[time(tick?.at ?? ''), { number: tick?.count }, ms(tick?.disk)],
      ...[
        ms(platforms.length === 0 ? undefined : Math.max(...platforms)),
        ms(tick?.lamp),
        point.remark?.text,
      ],
    ];
  });
  const heads = [words.point, words.at, words.times, words.disk, words.platform, words.lamp, words.remark];
  return rows.length === 0
    ? html``
    : html`<h2>${t(words.each)}</h2>${table(
        heads.map((head) => t(head)),
        rows,
      )}`;
}

function othersOf({ record: { others, unmapped }, t, time }: Told): Markup {
  const rows = [
    ...others.map(({ why, device, account, zone, name, kind, at, count }) => [
      [name, [device, account, zone].filter((one) => one !== undefined).join('/')].filter(Boolean).join(', '),
      `${tripWords[kind] === undefined ? kind : t(tripWords[kind])}: ${t(words[why])}`,
      { number: count },
      time(at),
    ]),
    ...unmapped.map(({ device, what, count }) => [
      what,
      t(words.unmapped, { device }),
      { number: count },
      '',
    ]),
  ];
  return rows.length === 0
    ? html``
    : html`<h2>${t(words.others)}</h2>${table([t(words.point), t(words.what), t(words.times), t(words.at)], rows)}`;
}

function devicesOf({ record: { devices }, t }: Told): Markup {
  const heads = [words.device, words.driver, words.make, words.serial, words.firmware, words.state];
  const state = (online: boolean | null) =>
    online === null
      ? t(words.unheard)
      : online
        ? t(words.online)
        : html`<span class="wrong">${t(words.offline)}</span>`;
  const rows = devices.map(({ id, name, driver, line, maker, model, serial, firmware, online }) => [
    html`${name ?? id}<br><small>${id}</small>`,
    html`${driver}<br><small>${line}</small>`,
    [maker, model].filter(Boolean).join(' '),
    ...[serial, firmware, state(online)],
  ]);
  return html`<h2>${t(words.devices)}</h2>${table(
    heads.map((head) => t(head)),
    rows,
  )}`;
}

function platformsOf({ record: { platforms }, t }: Told): Markup {
  const rows = platforms.map(({ id, protocol, where, connected, receipts }) => [
    ...[id, protocol, where],
    connected ? t(words.connected) : html`<span class="wrong">${t(words.notConnected)}</span>`,
    t(receipts ? words.yes : words.no),
  ]);
  const heads = [words.platform, words.protocol, words.address, words.state, words.receipts];
  return rows.length === 0
    ? html``
    : html`<h2>${t(words.platforms)}</h2>${table(
        heads.map((head) => t(head)),
        rows,
      )}`;
}

function certificatesOf({ record: { certificates: found }, t, time }: Told): Markup {
  const { certificates, unreadable } = found;
  const rows = [
    ...certificates.map(({ where, subject, ends, days }) => [
      ...[where, subject, time(ends)],
      {
        number:
          days < 30
            ? html`<span class="wrong">${t(words.days, { n: days })}</span>`
            : t(words.days, { n: days }),
      },
    ]),
    ...unreadable.map(({ where, file, reason }) => [
      ...[where, file],
      html`<span class="wrong">${t(words.unreadable, { why: reason })}</span>`,
      { number: '' },
    ]),
  ];
  return html`<h2>${t(words.certificates)}</h2>${
    rows.length === 0
      ? html`<p>${t(words.noCertificates)}</p>`
      : table([t(words.address), t(words.subject), t(words.ends), ''], rows)
  }`;
}

function proofOf({ record, t }: Told): Markup {
  const { journal, config } = record;
  const code = (text: string | undefined) => html`<code>${text ?? '–'}</code>`;
  const ofJournal: readonly (readonly [string, Part])[] =
    'reason' in journal
      ? [
          [
            t(words.journal),
            html`<span class="wrong">${t(words.journalUnread, { why: journal.reason })}</span>`,
          ],
        ]
      : [
          [t(words.journal), code(journal.id)],
          ['', t(words.range, { from: journal.from, to: journal.to, n: journal.events })],
          [t(words.hash), code(journal.sha256)],
        ];
  const proofs = list([
    [t(words.configTaken), code(config.taken)],
    ...(config.file === config.taken ? [] : [[t(words.configFile), code(config.file)] as const]),
    ...ofJournal,
  ]);
  if ('reason' in journal) return html`<h2>${t(words.proof)}</h2>${proofs}`;
  const { from, to } = journal;
  return html`<h2>${t(words.proof)}</h2>${proofs}
<p class="note">${t(words.check)}</p>
<p><code>campus-gateway journal hash ${record.dataDir} --after ${from - 1} --up-to ${to}</code><br>
<code>sqlite3 ${record.dataDir}/journal.sqlite 'SELECT body FROM event WHERE sequence BETWEEN ${from} AND ${to} ORDER BY sequence' | sha256sum</code></p>`;
}

function signaturesOf({ t }: Told): Markup {
  const parties = [words.installer, words.school, words.authority];
  const lines = [words.name, words.date, words.signature];
  return html`<h2>${t(words.signatures)}</h2><div class="sign">${parties.map(
    (party) => html`<div><p>${t(party)}</p>${lines.map((line) => html`<span>${t(line)}</span>`)}</div>`,
  )}</div>`;
}
