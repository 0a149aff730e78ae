/** The presets of a camera, as it tells them. */
import type { Camera, Presets as Told } from '../../../contract/cameras.ts';
import { command } from '../../kit/api.ts';
import { html, typed, useField } from '../../kit/html.ts';
import { may } from '../../kit/me.ts';
import { ActionButton, FieldOf, waitingFor } from '../../kit/parts.ts';
import { useResource } from '../../kit/resource.ts';
import { t } from '../../kit/words.ts';
import { cameras as words } from '../../words/cameras.ts';

/** Who sets up cameras may keep and delete presets. */
function Saving({ camera, again }: { readonly camera: string; readonly again: () => Promise<void> }) {
  const name = useField();
  const save = async () => {
    await command(camera, 'save-preset', { preset: name.value.trim() });
    name.value = '';
    await again();
  };
  return html`<div class="line">
    <${FieldOf} label=${t(words.presetName)}><input maxlength="100" value=${name.value} onInput=${typed(name)} /><//>
    <${ActionButton} act=${save} disabled=${name.value.trim() === ''}>${t(words.savePreset)}<//>
  </div>`;
}

export function Presets({ camera: { id, actions } }: { readonly camera: Camera }) {
  const resource = useResource<Told>(`/api/cameras/${encodeURIComponent(id)}/presets`);
  const presets = resource.data.value?.presets ?? [];
  const isDrawer = may('devices');
  return html`<section aria-labelledby="presets">
    <h2 id="presets">${t(words.presets)}</h2>
    ${waitingFor(resource)}
    ${resource.data.value !== undefined && presets.length === 0 && html`<p class="quiet">${t(words.noPresets)}</p>`}
    <ul class="plain presets">${presets.map(
      ({ token, name }) =>
        html`<li key=${token} class="buttons"><span>${name}</span>
          <${ActionButton} act=${() => command(id, 'preset', { preset: token })}>${t(words.goTo)}<span class="hidden"> ${name}</span><//>
          ${
            isDrawer &&
            actions.includes('delete-preset') &&
            html`<${ActionButton} tone="danger" sure=${words.deleteSure} act=${async () => {
              await command(id, 'delete-preset', { preset: token });
              await resource.again();
            }}>${t(words.deletePreset)}<span class="hidden"> ${name}</span><//>`
          }</li>`,
    )}</ul>
    ${isDrawer && actions.includes('save-preset') && html`<${Saving} camera=${id} again=${resource.again} />`}
  </section>`;
}
