/** What of the campus's master data is plausible and wrong, or leaves and is of persons. */
import { type CampusData, type Coordinates, contactRoleWords } from '../../drivers/contract/campus.ts';
import type { Warning } from '../../drivers/contract/driver.ts';
import type { UplinkConfig } from '../sections/uplinks.ts';

/** Degrees: from the Spratlys to the Amur, from the Pamirs to the Ussuri. */
const CHINA = { south: 3.4, north: 53.6, west: 73.4, east: 135.1 };
const isInChina = (latitude: number, longitude: number) =>
  latitude >= CHINA.south && latitude <= CHINA.north && longitude >= CHINA.west && longitude <= CHINA.east;

/** Paths start inside `campus`. */
export function campusWarnings({ coordinates }: Pick<CampusData, 'coordinates'>): Warning[] {
  const found = coordinates && coordinatesWarning(coordinates);
  return found ? [{ path: ['coordinates'], ...found }] : [];
}

function coordinatesWarning({ latitude, longitude, datum }: Coordinates): Omit<Warning, 'path'> | undefined {
  if (isInChina(latitude, longitude)) return undefined;
  const here = `${latitude}, ${longitude}`;
  if (latitude === 0 && longitude === 0)
    return {
      en: '0, 0 lies in the Atlantic: look the school up on a map, or leave `coordinates` out',
      zh: '0, 0 位于大西洋：请在地图上查出学校的位置，或删除 `coordinates`',
    };
  if (isInChina(longitude, latitude))
    return {
      en: `${here} is not in China, and ${longitude}, ${latitude} is: latitude and longitude are swapped`,
      zh: `${here} 不在中国，而 ${longitude}, ${latitude} 在：纬度和经度写反了`,
    };
  if (datum !== 'GCJ-02') return undefined;
  return {
    en: `${here} is not in China, and GCJ-02 is of maps of China alone: look at the coordinates, or say \`datum: WGS 84\``,
    zh: `${here} 不在中国，而 GCJ-02 只用于中国的地图：请检查坐标，或写 \`datum: WGS 84\``,
  };
}

/** Paths start inside the uplink. Contacts of which there are none leave nothing. */
export function contactWarnings(
  { campus: fields }: Pick<UplinkConfig, 'campus'>,
  { contacts = [] }: Pick<CampusData, 'contacts'>,
): Warning[] {
  if (!fields.includes('contacts') || contacts.length === 0) return [];
  const roles = [...new Set(contacts.map(({ role }) => role))];
  const words = (language: 'en' | 'zh') => roles.map((role) => contactRoleWords[role][language]);
  return [
    {
      path: ['campus'],
      en: `personal data leave the campus: this platform gets names and telephone numbers (${words('en').join(', ')}) and keeps them; they must have been told`,
      zh: `个人信息将离开校园：该平台会得到并保存姓名和电话（${words('zh').join('、')}）；须已告知本人`,
    },
  ];
}
