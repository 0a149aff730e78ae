/** What a simulated camera says of itself: its services, streams, pictures, presets, relays. */
import { textIn } from './soap.ts';

/** The body of a question -> the answer; undefined: what was asked for is not there. */
export type Answers = Readonly<Record<string, (body: string, path: string) => string | undefined>>;

export interface CameraFacts {
  /** Its own URL. */
  readonly base: string;
  readonly serial: string;
  /** Where its stream is. */
  readonly stream: string;
  /** Pictures a second. */
  readonly rate: number;
  /** Begins the picture anew, by a key picture. */
  readonly beginAnew: () => void;
}

/** GetSystemDateAndTime, which whoever asks is told. `now`: epoch ms. */
export const dateTime = (now: number) => {
  const date = new Date(now);
  return `<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings><tt:UTCDateTime><tt:Time><tt:Hour>${date.getUTCHours()}</tt:Hour><tt:Minute>${date.getUTCMinutes()}</tt:Minute><tt:Second>${date.getUTCSeconds()}</tt:Second></tt:Time><tt:Date><tt:Year>${date.getUTCFullYear()}</tt:Year><tt:Month>${date.getUTCMonth() + 1}</tt:Month><tt:Day>${date.getUTCDate()}</tt:Day></tt:Date></tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>`;
};

const profileOf = (element: 'Profile' | 'Profiles', rate: number) =>
  `<trt:${element} token="main" fixed="true"><tt:Name>main</tt:Name><tt:VideoSourceConfiguration token="vsconf"><tt:Name>vs</tt:Name><tt:UseCount>1</tt:UseCount><tt:SourceToken>vs0</tt:SourceToken><tt:Bounds x="0" y="0" width="640" height="360"/></tt:VideoSourceConfiguration><tt:VideoEncoderConfiguration token="enc"><tt:Name>enc</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>H264</tt:Encoding><tt:Resolution><tt:Width>640</tt:Width><tt:Height>360</tt:Height></tt:Resolution><tt:Quality>5</tt:Quality><tt:RateControl><tt:FrameRateLimit>${rate}</tt:FrameRateLimit><tt:EncodingInterval>1</tt:EncodingInterval><tt:BitrateLimit>1024</tt:BitrateLimit></tt:RateControl></tt:VideoEncoderConfiguration><tt:PTZConfiguration token="ptz"><tt:Name>ptz</tt:Name><tt:UseCount>1</tt:UseCount><tt:NodeToken>node</tt:NodeToken></tt:PTZConfiguration></trt:${element}>`;

const scopes = [
  'type/video_encoder',
  'type/ptz',
  'Profile/Streaming',
  'hardware/SC-1',
  'name/Simulated%20SC-1',
];

/** Device and media. */
export function deviceAnswers({ base, serial, stream, rate, beginAnew }: CameraFacts): Answers {
  const service = (name: string, path: string, version: string) =>
    `<tds:Service><tds:Namespace>http://www.onvif.org/${version}/${name}/wsdl</tds:Namespace><tds:XAddr>${base}${path}</tds:XAddr><tds:Version><tt:Major>2</tt:Major><tt:Minor>42</tt:Minor></tds:Version></tds:Service>`;
  const xaddr = (name: string, path: string) =>
    `<tt:${name}><tt:XAddr>${base}${path}</tt:XAddr></tt:${name}>`;
  return {
    GetServices: () =>
      `<tds:GetServicesResponse>${service('device', '/onvif/device_service', 'ver10')}${service('media', '/onvif/media_service', 'ver10')}${service('events', '/onvif/events_service', 'ver10')}${service('ptz', '/onvif/ptz_service', 'ver20')}${service('deviceIO', '/onvif/io_service', 'ver10')}</tds:GetServicesResponse>`,
    GetCapabilities: () =>
      `<tds:GetCapabilitiesResponse><tds:Capabilities>${xaddr('Device', '/onvif/device_service')}${xaddr('Events', '/onvif/events_service')}${xaddr('Media', '/onvif/media_service')}${xaddr('PTZ', '/onvif/ptz_service')}</tds:Capabilities></tds:GetCapabilitiesResponse>`,
    GetDeviceInformation: () =>
      `<tds:GetDeviceInformationResponse><tds:Manufacturer>Simulated</tds:Manufacturer><tds:Model>SC-1</tds:Model><tds:FirmwareVersion>1.0</tds:FirmwareVersion><tds:SerialNumber>${serial}</tds:SerialNumber><tds:HardwareId>1</tds:HardwareId></tds:GetDeviceInformationResponse>`,
    SystemReboot: () =>
      '<tds:SystemRebootResponse><tds:Message>Rebooting in 0 seconds</tds:Message></tds:SystemRebootResponse>',
    GetHostname: () =>
      '<tds:GetHostnameResponse><tds:HostnameInformation><tt:FromDHCP>false</tt:FromDHCP><tt:Name>simulated-sc-1</tt:Name></tds:HostnameInformation></tds:GetHostnameResponse>',
    GetScopes: () =>
      `<tds:GetScopesResponse>${scopes.map((scope) => `<tds:Scopes><tt:ScopeDef>Fixed</tt:ScopeDef><tt:ScopeItem>onvif://www.onvif.org/${scope}</tt:ScopeItem></tds:Scopes>`).join('')}</tds:GetScopesResponse>`,
    GetProfiles: () => `<trt:GetProfilesResponse>${profileOf('Profiles', rate)}</trt:GetProfilesResponse>`,
    GetProfile: (body) =>
      textIn(body, 'ProfileToken') === 'main'
        ? `<trt:GetProfileResponse>${profileOf('Profile', rate)}</trt:GetProfileResponse>`
        : undefined,
    GetVideoSources: () =>
      `<trt:GetVideoSourcesResponse><trt:VideoSources token="vs0"><tt:Framerate>${rate}</tt:Framerate><tt:Resolution><tt:Width>640</tt:Width><tt:Height>360</tt:Height></tt:Resolution></trt:VideoSources></trt:GetVideoSourcesResponse>`,
    SetSynchronizationPoint(body) {
      if (textIn(body, 'ProfileToken') !== 'main') return undefined;
      beginAnew();
      return '<trt:SetSynchronizationPointResponse/>';
    },
    GetStreamUri: () =>
      `<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>${stream}</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT60S</tt:Timeout></trt:MediaUri></trt:GetStreamUriResponse>`,
    GetSnapshotUri: () =>
      `<trt:GetSnapshotUriResponse><trt:MediaUri><tt:Uri>${base}/snapshot.jpg</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT60S</tt:Timeout></trt:MediaUri></trt:GetSnapshotUriResponse>`,
  };
}

/** The relay that it has. */
export const RELAY = 'ro0';

/** PTZ and relays. `turn`: to a preset, by its number from 1; `did`: what was switched. */
export function motionAnswers(
  names: readonly string[],
  turn: (preset: number, name: string) => void,
  did: (what: string) => void,
): Answers {
  const presets = [...names];
  return {
    GetPresets: () =>
      `<tptz:GetPresetsResponse>${presets.map((name, i) => `<tptz:Preset token="p${i + 1}"><tt:Name>${name}</tt:Name></tptz:Preset>`).join('')}</tptz:GetPresetsResponse>`,
    GotoPreset(body) {
      const token = textIn(body, 'PresetToken') ?? '';
      const wanted = Number(/^p(\d+)$/.exec(token)?.[1] ?? 0);
      if (wanted < 1 || wanted > presets.length) return undefined;
      turn(wanted, presets[wanted - 1] ?? '');
      return '<tptz:GotoPresetResponse/>';
    },
    SetPreset(body) {
      const known = Number(/^p(\d+)$/.exec(textIn(body, 'PresetToken') ?? '')?.[1] ?? 0);
      const name = textIn(body, 'PresetName') ?? presets[known - 1] ?? '';
      if (known === 0) presets.push(name);
      did(`save preset ${name}`);
      return `<tptz:SetPresetResponse><tptz:PresetToken>p${known === 0 ? presets.length : known}</tptz:PresetToken></tptz:SetPresetResponse>`;
    },
    RemovePreset(body) {
      const at = Number(/^p(\d+)$/.exec(textIn(body, 'PresetToken') ?? '')?.[1] ?? 0) - 1;
      if (presets[at] === undefined) return undefined;
      did(`remove preset ${presets.splice(at, 1)}`);
      return '<tptz:RemovePresetResponse/>';
    },
    ContinuousMove(body) {
      const of = (element: string, name: string) =>
        Number(new RegExp(`<(?:[\\w-]+:)?${element}\\s[^>]*\\b${name}="([^"]*)"`).exec(body)?.[1] ?? 0);
      const [pan, tilt, zoom] = [of('PanTilt', 'x'), of('PanTilt', 'y'), of('Zoom', 'x')];
      did(`move ${pan} ${tilt} ${zoom} for ${textIn(body, 'Timeout') ?? 'ever'}`);
      return '<tptz:ContinuousMoveResponse/>';
    },
    Stop() {
      did('stop');
      return '<tptz:StopResponse/>';
    },
    SetRelayOutputState(body) {
      const token = textIn(body, 'RelayOutputToken') ?? '';
      if (token !== RELAY) return undefined;
      did(`relay ${token} ${textIn(body, 'LogicalState')}`);
      return '<tds:SetRelayOutputStateResponse/>';
    },
  };
}
