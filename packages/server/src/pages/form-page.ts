import type { FastifyContextConfig, FastifyReply, FastifyRequest } from 'fastify'
import { isFailure, isLatchkeyError } from 'latchkey'
import type { App } from '../http/app.js'
import { Type } from '../http/type.js'
import { type FormState, freshForm } from './form-state.js'
import type { Page, PageView } from './page.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route is a page for people: its refusals are pages as well. */
    page?: true
  }
}

/** The rule of a field. */
export interface FieldRule {
  readonly required: boolean
  readonly maxLength: number
}

type FieldRules = Readonly<Record<string, FieldRule>>

/** The values of a form. Those of required fields are not empty. */
export type FormValues<Rules extends FieldRules> = {
  readonly [Name in keyof Rules]: Rules[Name] extends { readonly required: true } ? string : string | undefined
}

/** Returns the rule of a field that must not be empty. */
export function required(maxLength: number) {
  return { required: true, maxLength } as const
}

/** Returns the rule of a field that may be empty. */
export function optional(maxLength: number) {
  return { required: false, maxLength } as const
}

/** A page with one form, which the browser sends to the address of the page. */
export interface FormPage<P extends Page, Rules extends FieldRules> {
  readonly path: string
  /** Rate limits, as of the route of the API that does the same. */
  readonly config?: FastifyContextConfig
  readonly rules: Rules
  /** The fields beside which refusals are shown, by their codes. Others are shown above the form. */
  readonly faults?: Readonly<Record<string, keyof Rules & string>>
  /** Returns what the request needs. */
  open(request: FastifyRequest, reply: FastifyReply): Promise<P>
  /** Answers a request that needs no form, and returns whether it did. */
  skip?(page: P): Promise<boolean>
  /** Returns the page with the form. */
  show(page: P, state: FormState): PageView | Promise<PageView>
  /** Does what the form is for, and answers. A refusal shows the form again. */
  submit(page: P, values: FormValues<Rules>): Promise<unknown>
}

/** The query of every page. Other parameters are ignored: tools for statistics add some. */
export const pageQuery = Type.Object({
  return_to: Type.Optional(Type.String()),
  notice: Type.Optional(Type.String()),
})

/** Adds the routes of a page with a form: GET shows it, POST sends it. */
export function addFormPage<P extends Page, Rules extends FieldRules>(app: App, definition: FormPage<P, Rules>): void {
  const { path, rules } = definition
  const shown = { schema: { hide: true, querystring: pageQuery }, config: { page: true } } as const
  app.get(path, shown, async (request, reply) => {
    const page = await definition.open(request, reply)
    if ((await definition.skip?.(page)) === true) return reply
    return page.send(await definition.show(page, freshForm))
  })
  const body = bodyOf(rules)
  const sent = { schema: { ...shown.schema, body }, config: { ...definition.config, page: true } } as const
  app.post(path, sent, async (request, reply) => {
    const page = await definition.open(request, reply)
    const values = request.body as Readonly<Record<string, string>>
    const missing = Object.keys(rules).filter((name) => rules[name]?.required === true && values[name] === undefined)
    if (missing.length > 0) return refuseEmpty(page, definition, { values, missing })
    try {
      await definition.submit(page, values as FormValues<Rules>)
      return reply
    } catch (error) {
      return refuse(page, definition, { values, error })
    }
  })
}

function bodyOf(rules: FieldRules) {
  const properties = Object.entries(rules).map(
    ([name, { maxLength }]) => [name, Type.Optional(Type.String({ maxLength }))] as const,
  )
  return Type.Unsafe<unknown>(Type.Object(Object.fromEntries(properties), { additionalProperties: false }))
}

async function refuseEmpty<P extends Page, Rules extends FieldRules>(
  page: P,
  { show }: FormPage<P, Rules>,
  { values, missing }: { readonly values: FormState['values']; readonly missing: readonly string[] },
): Promise<FastifyReply> {
  const errors = Object.fromEntries(missing.map((name) => [name, page.t('common.field-required')]))
  const state = { values, errors, alert: page.t('problem.not-saved'), code: 'validation_failed' }
  return page.send({ ...(await show(page, state)), refused: true }, 400)
}

/** Shows the form again with the reason of a refusal. Other errors are thrown again. */
async function refuse<P extends Page, Rules extends FieldRules>(
  page: P,
  { path, faults = {}, show }: FormPage<P, Rules>,
  { values, error }: { readonly values: FormState['values']; readonly error: unknown },
): Promise<FastifyReply> {
  const { request, reply, messages } = page
  if (!isFailure(error) || (error.statusCode >= 500 && error.code !== 'overloaded')) throw error
  request.refusalCode = error.code
  request.log.info({ code: error.code }, 'refused')
  // The owner must authenticate again before this change.
  if (error.code === 'recent_authentication_required') {
    return page.redirect('/step-up', { return_to: page.href(request.url) })
  }
  // The session has ended since the guard has admitted the request.
  if (isLatchkeyError(error) && error.statusCode === 401)
    return page.redirect('/sign-in', { return_to: page.href(path) })
  const { 'Retry-After': retryAfter } = error.headers
  if (retryAfter !== undefined) reply.header('Retry-After', retryAfter)
  const message = messages.problem(error.code)
  const name = faults[error.code]
  const alert = name === undefined ? message : page.t('problem.not-saved')
  const state = { values, errors: name === undefined ? {} : { [name]: message }, alert, code: error.code }
  return page.send({ ...(await show(page, state)), refused: true }, error.statusCode)
}
