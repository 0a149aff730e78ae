/** What a changed config would do, and what came of it. */
import type { ConfigApplied, ConfigChange, ConfigDifference, ConfigMistake } from '../../contract/config.ts';
import { html } from '../kit/html.ts';
import { Badge } from '../kit/parts.ts';
import { language, t } from '../kit/words.ts';
import { config as words } from '../words/config.ts';
import { system } from '../words/system.ts';

interface Said {
  readonly en: string;
  readonly zh: string;
}
const sentenceOf = (said: Said) => (language.value === 'zh' ? said.zh : said.en);

interface DifferenceProps {
  readonly of: ConfigDifference;
  /** Leads to a line of the text. */
  readonly show?: ((line: number) => void) | undefined;
}
export function Difference({ of: { changes, errors, why }, show }: DifferenceProps) {
  if (errors.length > 0)
    return html`<h3>${t(words.wrong)}</h3><div role="alert"><ul class="found">${errors.map((one, i) => html`<li key=${i}><${Mistake} of=${one} show=${show} /></li>`)}</ul></div>`;
  return html`<h3>${t(words.changes)}</h3>
    ${why !== undefined && html`<p class="wrong" role="alert">${sentenceOf(why)}</p>`}
    ${
      changes.length === 0
        ? html`<p role="status">${t(words.same)}</p>`
        : html`<div role="status"><ul id="changes">${changes.map((one: ConfigChange, i) => html`<li key=${i}>${sentenceOf(one)}</li>`)}</ul></div>`
    }`;
}

function Mistake({ of, show }: { readonly of: ConfigMistake; readonly show: DifferenceProps['show'] }) {
  const { file, line } = of;
  const at = file === undefined ? t(system.line, { n: line }) : t(words.file, { file, n: line });
  return file === undefined && show !== undefined
    ? html`<button type="button" class="plain" onClick=${() => show(line)}>${at}</button> ${sentenceOf(of)}`
    : html`<span>${at}</span> ${sentenceOf(of)}`;
}

/** With what it changed, or why it did not. */
export function Applied({ of, show }: { readonly of: ConfigApplied } & Pick<DifferenceProps, 'show'>) {
  const { done, version } = of;
  const is = !done
    ? t(words.notApplied)
    : version === undefined
      ? t(words.applied)
      : t(words.appliedAs, { name: version });
  return html`<div class="applied"><p role="status"><${Badge} tone=${done ? 'good' : 'bad'}>${is}<//></p><${Difference} of=${of} show=${show} /></div>`;
}
