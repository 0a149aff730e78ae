/** The config as it stands in its file, its secrets hidden, with what the check says at its lines. */
import type { ConfigCheck, ConfigText } from '../../contract/system.ts';
import { numberOf, shortOf } from '../kit/format.ts';
import { html, type Signal, useEffect, useSignal } from '../kit/html.ts';
import { may } from '../kit/me.ts';
import { Badge, waitingFor } from '../kit/parts.ts';
import { useResource } from '../kit/resource.ts';
import { language, t } from '../kit/words.ts';
import { system as words } from '../words/system.ts';
import { Edit } from './config-edit.ts';
import { Versions } from './config-versions.ts';
import { SystemTabs } from './system-tabs.ts';

/** Lines at once. */
const COUNT = 1000;
type Problem = ConfigCheck['problems'][number];

export function ConfigPage() {
  const from = useSignal(1);
  const wanted = useSignal<number | undefined>(undefined);
  const text = useResource<ConfigText>(`/api/system/config?from=${from.value}&count=${COUNT}`);
  const check = useResource<ConfigCheck>(`/api/system/config/check?language=${language.value}`);
  const [shown, found] = [text.data.value, check.data.value];
  // A line that was asked for is shown once it is there.
  useEffect(() => {
    if (wanted.value === undefined || shown?.from !== from.value) return;
    const line = document.getElementById(`line-${wanted.value}`);
    wanted.value = undefined;
    line?.scrollIntoView({ block: 'center' });
    line?.focus({ preventScroll: true });
  }, [wanted.value, shown]);
  const takenUp = useSignal(0);
  const changed = () => void Promise.all([text.again(), check.again()]);
  const edited = () => {
    // There is a version more.
    takenUp.value++;
    changed();
  };
  const show = (line: number) => {
    from.value = Math.floor((line - 1) / COUNT) * COUNT + 1;
    wanted.value = line;
  };
  return html`<h1>${t(words.config)}</h1><${SystemTabs} />
    ${waitingFor(text)}
    ${shown !== undefined && html`<${About} of=${shown} />`}
    ${may('config') && html`<${Edit} changed=${edited} />`}
    ${check.error.value !== undefined ? waitingFor(check) : html`<${Found} of=${found} show=${show} />`}
    ${shown !== undefined && html`<${Text} of=${shown} problems=${found?.problems ?? []} from=${from} />`}
    ${may('config') && html`<${Versions} key=${takenUp.value} changed=${changed} />`}`;
}

function About({ of: { file, changedAt, isTaken } }: { readonly of: ConfigText }) {
  const tone = isTaken === null ? 'quiet' : isTaken ? 'good' : 'warn';
  const is = isTaken === null ? words.isUnknown : isTaken ? words.isTaken : words.isOther;
  return html`<p class="line"><code>${file}</code> <span class="quiet">${t(words.changed, { time: shortOf(changedAt) })}</span>
    <${Badge} tone=${tone}>${t(is)}<//> <span class="quiet">${t(words.secretsHidden)}</span></p>`;
}

/** What the check says; each leads to its line. */
function Found({
  of,
  show,
}: {
  readonly of: ConfigCheck | undefined;
  readonly show: (line: number) => void;
}) {
  if (of === undefined) return html`<p class="quiet" role="status">${t(words.checking)}…</p>`;
  const { problems, more, open } = of;
  const errors = problems.filter(({ level }) => level === 'error').length;
  const warnings = problems.length - errors;
  return html`<p role="status" class="line">
      ${errors > 0 && html`<${Badge} tone="bad">${t(words.errors, { n: numberOf(errors) })}<//>`}
      ${warnings > 0 && html`<${Badge} tone="warn">${t(words.warnings, { n: numberOf(warnings) })}<//>`}
      ${problems.length === 0 && html`<${Badge} tone="good">${t(words.good)}<//>`}
      ${more > 0 && t(words.moreProblems, { n: numberOf(more) })}</p>
    ${
      problems.length > 0 &&
      html`<ul class="found">${problems.map(
        (one, i) =>
          html`<li key=${i}>${
            one.file === undefined
              ? html`<button type="button" class="plain" onClick=${() => show(one.line)}>${t(words.line, { n: one.line })}</button>`
              : html`<code>${one.file}:${one.line}</code>`
          } ${one.message}</li>`,
      )}</ul>`
    }
    ${
      open.length > 0 &&
      html`<h2>${t(words.open)}</h2><ul>${open.map((one) => html`<li key=${one.file} class="wrong">${t(words.openOf, one)}</li>`)}</ul>`
    }`;
}

interface TextProps {
  readonly of: ConfigText;
  readonly problems: readonly Problem[];
  readonly from: Signal<number>;
}
function Text({ of: { from: first, total, lines }, problems, from }: TextProps) {
  const told = Map.groupBy(
    problems.filter(({ file }) => file === undefined),
    ({ line }) => line,
  );
  const last = first + lines.length - 1;
  const move = (to: number) => () => {
    from.value = to;
    scrollTo(0, 0);
  };
  const ways = html`<p class="buttons">
    ${first > 1 && html`<button type="button" onClick=${move(Math.max(1, first - COUNT))}>${t(words.before)}</button>`}
    <span class="quiet">${t(words.linesOf, { from: first, to: last, total })}</span>
    ${last < total && html`<button type="button" onClick=${move(last + 1)}>${t(words.after)}</button>`}
  </p>`;
  return html`<h2>${t(words.text)}</h2>${ways}
    <div class="lines">${lines.map((line, i) => {
      const number = first + i;
      return html`<div key=${number} class="one" id=${`line-${number}`} tabindex="-1"><span>${number}</span><code>${line === '' ? ' ' : line}</code></div>
        ${told.get(number)?.map(({ level, message }) => html`<p class="told ${level}">${message}</p>`)}`;
    })}</div>
    ${total > lines.length && ways}`;
}
