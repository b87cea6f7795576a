import type { EnvironmentReader, SettingSource } from './environment-reader.js'
import { flattenSettings, isSetting, type Setting, type SettingTable } from './setting.js'

/** A setting and the value that is in effect, for administrators. It contains no secret. */
export interface DescribedSetting {
  /** The environment variable. */
  readonly name: string
  /** The property of the table that the setting is in, such as `mail`; `general` for the others. */
  readonly group: string
  readonly description: string
  /** Completes the sentence "It must be …". */
  readonly accepts: string
  readonly isSecret: boolean
  readonly source: SettingSource
  /** Whether there is a value. */
  readonly isSet: boolean
  /** The value as text; `null` if there is none, and for every secret. */
  readonly value: string | null
  /** The default in words, where a value alone would not explain it. */
  readonly defaultText: string | null
}

/** The effective texts of settings whose default follows from other settings. */
export type EffectiveTexts = ReadonlyMap<Setting<unknown>, string>

/** Longer values, such as the schema of profiles, are cut off. */
const maxLength = 2000

/** Describes all settings of a table that was read without a fault. */
export function describeSettings(
  table: SettingTable,
  reader: EnvironmentReader,
  effective: EffectiveTexts,
): readonly DescribedSetting[] {
  return Object.entries(table).flatMap(([property, entry]) =>
    isSetting(entry)
      ? [describe(entry, 'general', { reader, effective })]
      : flattenSettings(entry).map((setting) => describe(setting, property, { reader, effective })),
  )
}

interface Sources {
  readonly reader: EnvironmentReader
  readonly effective: EffectiveTexts
}

function describe(setting: Setting<unknown>, group: string, { reader, effective }: Sources): DescribedSetting {
  const { name, description, accepts, secret, defaultText = null } = setting
  const isSecret = secret === true
  const common = { name, group, description, accepts, isSecret, source: reader.sourceOf(setting), defaultText }
  // The text of a secret is not even read here.
  if (isSecret) return { ...common, isSet: reader.isGiven(setting), value: null }
  const text = effective.get(setting) ?? reader.textInEffect(setting)
  const value = text === undefined || text === '' ? null : shorten(withoutCredentials(text))
  return { ...common, isSet: value !== null, value }
}

/** Hides the user information of URLs in a text (RFC 3986 §3.2.1), whatever characters it has. */
export function withoutCredentials(text: string): string {
  return text.replaceAll(/:\/\/[^\s,"'<>]*@/g, '://***@')
}

function shorten(text: string): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength)}…`
}
