import { ConfigurationError } from '../config/configuration-error.js'
import { declaredMembers, type ProfileSchema, settings } from '../config/settings.js'
import { fieldErrorsOf } from '../http/problem-answer.js'
import { accountFailures } from './failures.js'
import { isJsonObject, type JsonObject } from './merge-patch.js'

/** The rule that each profile must satisfy. */
export interface ProfileRule {
  /** Members that only administrators can change: those that the schema declares as `readOnly`. */
  readonly readOnly: ReadonlySet<string>
  /** Throws `profile_invalid` with all reasons if the schema does not accept the profile. */
  check(profile: JsonObject): void
}

/**
 * Compiles the operator's JSON Schema (2020-12) in strict mode, where an unknown keyword or format
 * is an error. Without a schema, every profile is accepted.
 *
 * @throws ConfigurationError if the schema cannot be used
 */
export async function openProfileRule(schema: ProfileSchema | undefined): Promise<ProfileRule> {
  if (schema === undefined) return { readOnly: new Set(), check: () => {} }
  // Imported here because most servers have no schema, and the import slows the start.
  const [{ Ajv2020 }, formats] = await Promise.all([import('ajv/dist/2020.js'), import('ajv-formats')])
  const ajv = new Ajv2020({ strict: true, allErrors: true, logger: false })
  formats.default.default(ajv)
  const validate = compiled(() => ajv.compile(schema))
  return {
    readOnly: readOnlyMembers(schema),
    check: (profile) => {
      if (validate(profile)) return
      throw accountFailures.refusal('profile_invalid', {
        extensions: { errors: fieldErrorsOf(validate.errors ?? [], 'profile') },
      })
    },
  }
}

function compiled<T>(compile: () => T): T {
  try {
    return compile()
  } catch (error) {
    throw unusable(error instanceof Error ? error.message : String(error))
  }
}

/**
 * Returns the members with `readOnly`. Throws if `readOnly` is used anywhere else, where it would
 * not be enforced.
 */
function readOnlyMembers(schema: ProfileSchema): ReadonlySet<string> {
  const isReadOnly = (member: unknown) => isJsonObject(member) && member.readOnly === true
  const declared = Object.entries(declaredMembers(schema))
  const names = declared.filter(([, member]) => isReadOnly(member)).map(([name]) => name)
  const everywhere = JSON.stringify(schema).split('"readOnly":true').length - 1
  if (everywhere !== names.length) throw unusable('"readOnly" is only allowed for the members of the profile itself')
  return new Set(names)
}

function unusable(problem: string): ConfigurationError {
  const { name, accepts } = settings.profileSchema
  return new ConfigurationError([{ name, problem, remedy: `It must be ${accepts}.` }])
}
