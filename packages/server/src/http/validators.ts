import { Ajv, type Options, type ValidateFunction } from 'ajv'
import formats from 'ajv-formats'
import type { FastifySchemaCompiler } from 'fastify'

// Nothing is dropped, filled in or converted: what a client sends is what the schema says, or it is refused with every reason.
const strict: Options = { allErrors: true, removeAdditional: false, coerceTypes: false, useDefaults: false }

/**
 * Compiles the schemas of requests, each when the first such request comes: all of them at once would hold up the start. Parts of the URL are always text,
 * so there alone digits become numbers.
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
  // For documentation: its rules are those of the accounts.
  return ajv.addFormat('email', true).addFormat('password', true)
}
