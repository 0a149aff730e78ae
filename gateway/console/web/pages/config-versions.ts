/** The versions of the config that were taken up: looked at, and taken up again. */
import type { ConfigApplied, ConfigVersion } from '../../contract/config.ts';
import type { ConfigVersions } from '../../contract/config-edit.ts';
import { get, post } from '../kit/api.ts';
import { momentOf } from '../kit/format.ts';
import { html, useSignal } from '../kit/html.ts';
import { ActionButton, Badge, Dialog, Empty, Table, waitingFor } from '../kit/parts.ts';
import { useResource } from '../kit/resource.ts';
import { t } from '../kit/words.ts';
import { config as words } from '../words/config.ts';
import { Applied } from './config-outcome.ts';

/** `changed`: what the page shows of the config is another one. */
export function Versions({ changed }: { readonly changed: () => void }) {
  const found = useResource<ConfigVersions>('/api/config/versions');
  const shown = useSignal<{ readonly name: string; readonly text: string } | undefined>(undefined);
  const applied = useSignal<ConfigApplied | undefined>(undefined);
  const versions = found.data.value?.versions;
  const back = (name: string) => async () => {
    applied.value = await post<ConfigApplied>(`/api/config/versions/${encodeURIComponent(name)}/back`);
    await found.again();
    changed();
  };
  const look = (name: string) => async () => {
    const { text } = await get<{ text: string }>(`/api/config/versions/${encodeURIComponent(name)}`);
    shown.value = { name, text };
  };
  const rowOf = ({ name, at, by, sha256, isTaken }: ConfigVersion) => ({
    key: name,
    cells: [
      html`${name} ${isTaken && html`<${Badge} tone="good">${t(words.taken)}<//>`}`,
      momentOf(at),
      by === 'start' ? t(words.start) : by,
      html`<code>${sha256.slice(0, 12)}</code>`,
      html`<span class="buttons"><${ActionButton} act=${look(name)}><span aria-label=${t(words.lookAt, { name })}>${t(words.look)}</span><//>
        ${!isTaken && html`<${ActionButton} act=${back(name)} sure=${words.backSure}><span aria-label=${t(words.backTo, { name })}>${t(words.back)}</span><//>`}</span>`,
    ],
  });
  const heads = [t(words.name), t(words.time), t(words.by), t(words.hash), t(words.look)];
  return html`<h2>${t(words.versions)}</h2>
    ${waitingFor(found)}
    ${applied.value !== undefined && html`<${Applied} of=${applied.value} />`}
    ${versions?.length === 0 && html`<${Empty}>${t(words.noVersions)}<//>`}
    ${versions !== undefined && versions.length > 0 && html`<${Table} id="versions" caption=${t(words.versions)} heads=${heads} rows=${versions.map(rowOf)} />`}
    ${
      shown.value !== undefined &&
      html`<${Dialog} title=${shown.value.name} onClose=${() => {
        shown.value = undefined;
      }}><pre tabindex="0">${shown.value.text}</pre><//>`
    }`;
}
