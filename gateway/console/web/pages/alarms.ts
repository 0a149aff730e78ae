/** The first page of an operator: what stands. */
import { html } from '../kit/html.ts';
import { overview } from '../kit/stream.ts';
import { t } from '../kit/words.ts';
import { navigation, states } from '../words/common.ts';

export function AlarmsPage() {
  return html`<h1>${t(navigation.alarms)}</h1><p>${t(states[overview.value?.level ?? 'good'])}</p>`;
}
