/** The AsyncAPI document of all topics. */
import { stringify } from 'yaml';
import {
  contractVersion,
  eventClasses,
  eventTypes,
  typePrefix,
  wordsOf,
} from '../../config/catalogue/events.ts';
import { actionSchemas } from './actions.ts';
import { NOTE } from './json-schema.ts';
import { others } from './messages.ts';

/** All but pieces, which have a topic of their own. */
const isEvent = (type: string) => type !== 'media.piece';
const prefix = 'campus/v1/{campusId}';

/** What stands in topics, in braces. */
const parameters: Readonly<Record<string, object>> = {
  campusId: { description: 'The number of the campus' },
  deviceId: { description: 'The device, or `gateway` for the gateway itself' },
  class: { description: 'What comes before the dot of the type', enum: eventClasses },
  commandId: { description: 'The id of the command' },
  noticeId: { description: 'The id of the notice' },
  target: { description: 'A device, an area, or `gateway`' },
};

function channelOf(path: string, description: string, messages: readonly string[]) {
  const address = `${prefix}/${path}`;
  return {
    address,
    description,
    parameters: Object.fromEntries(
      Object.entries(parameters).filter(([name]) => address.includes(`{${name}}`)),
    ),
    messages: Object.fromEntries(messages.map((name) => [name, { $ref: `#/components/messages/${name}` }])),
  };
}

function channels() {
  return {
    event: channelOf(
      'event/{class}/{deviceId}',
      'Urgent events (alarms) are sent before all others that wait. Not retained.',
      eventTypes.filter(isEvent),
    ),
    media: channelOf(
      'media/{deviceId}',
      'Pieces of pictures and clips, in the lane `bulk`; for uplinks with `pictures: true`. Not retained.',
      ['media.piece'],
    ),
    ...Object.fromEntries(
      Object.entries(others).map(([name, { path, words }]) => [name, channelOf(path, words, [name])]),
    ),
  };
}

function operations() {
  const directions = Object.entries({ event: { action: 'send' }, media: { action: 'send' }, ...others });
  return Object.fromEntries(
    directions.map(([channel, { action }]) => [
      `${action}${channel[0]?.toUpperCase()}${channel.slice(1)}`,
      { action, channel: { $ref: `#/channels/${channel}` } },
    ]),
  );
}

function messages() {
  const events = eventTypes.map((type) => [
    type,
    {
      name: `${typePrefix}${type}`,
      title: wordsOf(type),
      contentType: 'application/cloudevents+json',
      payload: { $ref: `./events/${type}.schema.json` },
    },
  ]);
  return Object.fromEntries([
    ...events,
    ...Object.entries(others).map(([name, { payload }]) => [name, { payload }]),
  ]);
}

export function asyncapi(): string {
  const document = {
    asyncapi: '3.0.0',
    info: {
      title: 'Campus Gateway, platform contract',
      version: contractVersion,
      description:
        'Events of a campus over MQTT, QoS 1, as CloudEvents 1.0 in structured mode. Delivered at least once: recognise duplicates by `id`, gaps by `previous`. Topics start with the prefix of the uplink, campus/v1/{campusId} by default.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    channels: channels(),
    operations: operations(),
    components: { messages: messages(), schemas: actionSchemas() },
  };
  return `# ${NOTE}\n${stringify(document, { aliasDuplicateObjects: false })}`;
}
