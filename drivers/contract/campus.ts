/** Master data of a campus: what a platform may know of the school itself, as far as the config lets it out. */
import { z } from 'zod';

/** Beside id and name, which every platform knows. */
export const campusFields = ['district', 'address', 'coordinates', 'contacts'] as const;
export type CampusField = (typeof campusFields)[number];

/** What coordinates are measured by: maps made in China have GCJ-02, receivers of satellites WGS 84; some 500 m apart. */
export const datums = ['GCJ-02', 'WGS 84'] as const;

export const contactRoles = ['head', 'security', 'guard-house', 'duty'] as const;
export type ContactRole = (typeof contactRoles)[number];
export const contactRoleWords: Readonly<Record<ContactRole, { readonly en: string; readonly zh: string }>> = {
  head: { en: 'head of the school', zh: '校长' },
  security: { en: 'head of security', zh: '安全负责人' },
  'guard-house': { en: 'guard house', zh: '门卫室' },
  duty: { en: 'on duty', zh: '值班' },
};

/** The first two digits of GB/T 2260: provinces, autonomous regions, municipalities, Hong Kong and Macao. */
const PROVINCES = '1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[12]';
const angle = (name: string, most: number, zh: string) =>
  z
    .number()
    .refine((value) => Math.abs(value) <= most, {
      message: `${name}: -${most} to ${most}; are latitude and longitude swapped?`,
      params: { zh: `${zh}：-${most} 到 ${most}；纬度和经度是否写反？` },
    })
    .meta({ minimum: -most, maximum: most });

const text = (pattern: RegExp, en: string, zh: string) =>
  z
    .string()
    .refine((value) => pattern.test(value), { message: en, params: { zh } })
    .meta({ pattern: pattern.source });

const district = text(
  new RegExp(`^(?:${PROVINCES})\\d{4}(?:\\d{3}(?:\\d{3})?)?$`),
  'a code of GB/T 2260: 6 digits such as "450305", or the 9 or 12 digits of the code for statistics',
  '应为行政区划代码：6 位（GB/T 2260），如 "450305"，或 9、12 位统计用区划代码',
).describe('Code of the district 行政区划代码: 6 digits (GB/T 2260), or 9 or 12 (统计用区划代码)');

const coordinates = z
  .strictObject({
    latitude: angle('latitude', 90, '纬度').describe('Degrees north, decimal'),
    longitude: angle('longitude', 180, '经度').describe('Degrees east, decimal'),
    datum: z
      .enum(datums)
      .describe(
        'What they were read from: `GCJ-02` maps made in China (高德, 腾讯), `WGS 84` a receiver of GPS or BeiDou. No default: the wrong one is 500 m away',
      ),
  })
  .describe('Where it is');
export type Coordinates = z.output<typeof coordinates>;

const contact = z.strictObject({
  role: z
    .enum(contactRoles)
    .describe(contactRoles.map((role) => `\`${role}\` ${contactRoleWords[role].zh}`).join(', ')),
  name: z.string().min(1).max(50).optional().describe('Who it is; a guard house needs none'),
  phone: text(
    /^\+?\d[\d -]{2,30}$/,
    'a telephone number in quotes, such as "0773-5801234" or "+86 138 0013 8000"',
    '应为带引号的电话号码，如 "0773-5801234" 或 "+86 138 0013 8000"',
  ).describe('A telephone number'),
});

export const campusData = z.strictObject({
  id: z
    .string()
    .regex(/^\d{4,20}$/, '4 to 20 digits in quotes')
    .describe('The number of the campus with the platforms'),
  name: z.string().min(1).max(100).describe('Its name for people'),
  district: district.optional(),
  address: z.string().min(1).max(200).optional().describe('Its address in words'),
  coordinates: coordinates.optional(),
  contacts: z
    .array(contact)
    .max(20)
    .optional()
    .describe('Whom to call, by role: personal data, told only to uplinks that say so'),
});
export type CampusData = z.output<typeof campusData>;

/** The message on `{prefix}/campus`. `version`: of its form, raised where a member changes its meaning. */
export const campusMessage = z.strictObject({
  version: z.literal('1').describe('Of the form of this message'),
  revision: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .describe(
      'The first 16 hex digits of the SHA-256 of the canonical form (RFC 8785, UTF-8) of the message without `version` and `revision`',
    ),
  ...campusData.shape,
});
export type CampusMessage = z.output<typeof campusMessage>;

/** What of it may go where only these may be known. */
export const pickCampus = (
  { id, name, ...rest }: CampusData,
  fields: readonly CampusField[],
): CampusData => ({
  ...{ id, name },
  ...Object.fromEntries(
    campusFields.flatMap((field) =>
      fields.includes(field) && rest[field] !== undefined ? [[field, rest[field]] as const] : [],
    ),
  ),
});
