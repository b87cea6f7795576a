import { Ajv, type Options, type ValidateFunction } from 'ajv'
import formats from 'ajv-formats'
import type { FastifySchemaCompiler } from 'fastify'

// A body is never changed to match the schema. It is refused with all errors.
const strict: Options = { allErrors: true, removeAdditional: false, coerceTypes: false, useDefaults: false }

/**
 * Returns a compiler that compiles the schema of a request when it is first used, because compiling
 * all of them would slow the start. Parts of a URL are always text, so numbers are parsed there.
 */
export function createValidatorCompiler(): FastifySchemaCompiler<object> {
  const forBody = withFormats(new Ajv(strict))
  const forUrl = withFormats(new Ajv({ ...strict, coerceTypes: true, useDefaults: true }))
  return ({ schema, httpPart }) => {
    const ajv = httpPart === 'body' ? forBody : forUrl
    let validate: ValidateFunction | undefined
    return (value: unknown) => {
      validate ??= ajv.compile(schema)
      return validate(value) || { error: validate.errors ?? [] }
    }
  }
}

function withFormats(ajv: Ajv): Ajv {
  formats.default(ajv, ['uuid', 'date-time'])
  // Only for documentation: the account rules check these values.
  return ajv.addFormat('email', true).addFormat('password', true)
}
