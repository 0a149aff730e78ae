/** The doctor: what was found at the last examination, and one is made now. What is wrong comes first. */
import type { Examination } from '../../contract/system.ts';
import { ApiError, get, post } from '../kit/api.ts';
import { numberOf, shortOf } from '../kit/format.ts';
import { html, useEffect, useSignal } from '../kit/html.ts';
import { ActionButton, Badge } from '../kit/parts.ts';
import { language, t } from '../kit/words.ts';
import { doctor as words } from '../words/doctor.ts';
import { SystemTabs } from './system-tabs.ts';

type Finding = Examination['findings'][number];

const GRADES = ['bad', 'note', 'good'] as const;
const TONES = { bad: 'bad', note: 'warn', good: 'good' } as const;

export function DoctorPage() {
  const found = useSignal<Examination | undefined>(undefined);
  const isNone = useSignal(false);
  const isLooking = useSignal(false);
  useEffect(() => {
    get<Examination>('/api/system/doctor').then(
      (last) => {
        found.value ??= last;
      },
      (error) => {
        isNone.value = error instanceof ApiError && error.status === 404;
      },
    );
  }, []);
  const examine = async () => {
    isLooking.value = true;
    try {
      found.value = await post<Examination>('/api/system/doctor');
      isNone.value = false;
    } finally {
      isLooking.value = false;
    }
  };
  const of = found.value;
  return html`<h1>${t(words.title)}</h1><${SystemTabs} />
    <p>${t(words.about)}</p>
    <p class="line"><${ActionButton} act=${examine} tone="main" disabled=${isLooking.value}>${t(words.examine)}<//>
      <span role="status">${isLooking.value ? html`${t(words.examining)}…` : statusOf(of, isNone.value)}</span></p>
    ${of !== undefined && GRADES.map((grade) => html`<${Graded} key=${grade} grade=${grade} of=${of.findings} />`)}
    <p class="quiet">${t(words.tries)}</p>
    <pre tabindex="0">campus-gateway doctor /etc/campus-gateway/campus.yaml</pre>`;
}

function statusOf(of: Examination | undefined, isNone: boolean) {
  if (of === undefined) return isNone ? t(words.never) : '';
  const count = (grade: Finding['is']) => numberOf(of.findings.filter(({ is }) => is === grade).length);
  const counts = { good: count('good'), note: count('note'), bad: count('bad') };
  return `${t(words.at, { time: shortOf(of.at) })}: ${t(words.counts, counts)}`;
}

function Graded({ grade, of }: { readonly grade: Finding['is']; readonly of: readonly Finding[] }) {
  const those = of.filter(({ is }) => is === grade);
  if (those.length === 0) return null;
  return html`<section class="card" aria-labelledby=${`of-${grade}`}>
    <h2 id=${`of-${grade}`}><${Badge} tone=${TONES[grade]}>${t(words[grade])}<//> ${numberOf(those.length)}</h2>
    <dl class="found-by-doctor">${those.map(
      (one, i) => html`<div key=${i}><dt>${t(words[one.about])}</dt><dd>${one[language.value]}</dd></div>`,
    )}</dl>
  </section>`;
}
