import * as typebox from 'typebox'
import { describe, expect, it } from 'vitest'
import { Type } from '../../../src/http/type.js'

type Builders = typeof Type

const cases: readonly ((builders: Builders) => object)[] = [
  (b) => b.Array(b.String({ minLength: 1 }), { maxItems: 3 }),
  (b) => b.Boolean({ default: false }),
  (b) => b.Enum(['a', 'b'], { description: 'one of them' }),
  (b) => b.Integer({ minimum: 0 }),
  (b) => b.Literal('a', { description: 'always' }),
  (b) => b.Literal(1),
  (b) => b.Null(),
  (b) => b.Number(),
  (b) => b.Object({}),
  (b) => b.Object({ a: b.Optional(b.String()) }),
  (b) => b.Object({ a: b.Optional(b.String()), b: b.Null() }, { $id: 'Named', additionalProperties: false }),
  (b) => b.Object({ ...b.Object({ a: b.Optional(b.String()), b: b.Null() }).properties, c: b.Number() }),
  (b) => b.Record(b.String(), b.Integer(), { description: 'by name' }),
  (b) => b.Ref('Named#'),
  (b) => b.Union([b.Ref('Named#'), b.Null()], { description: 'or not' }),
  (b) => b.Unknown(),
  (b) => b.Unsafe<string>({ type: ['string', 'null'] }),
]

describe('the builders of schemas', () => {
  it.each(cases)('return the same schemas as typebox: %s', (build) => {
    expect(JSON.stringify(build(Type))).toBe(JSON.stringify(build(typebox.Type as Builders)))
  })
})
