import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bindStatement, splitScript } from '../../../src/stores/mysql/statement-text.js'

/** Text in which a placeholder or the end of a statement means nothing. */
const closed = fc.oneof(
  fc.string().map((text) => `'${text.replaceAll(/['\\]/g, (character) => character + character)}'`),
  fc.string().map((text) => `"${text.replaceAll(/["\\]/g, (character) => character + character)}"`),
  fc.string().map((text) => `\`${text.replaceAll('`', '``')}\``),
  fc.string().map((text) => `/* ${text.replaceAll('*/', '')} */`),
  fc.string().map((text) => `-- ${text.replaceAll('\n', '')}\n`),
  fc.string().map((text) => `# ${text.replaceAll('\n', '')}\n`),
  fc.constantFrom('a$1', '_b$2c', '@x$1', 'größe$1', ' ', ', ', '(', ')', ' + ', '\n'),
)

describe('a statement with $1, $2, …', () => {
  it('has a ? for each of them, with the values in the order of their places', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(closed, fc.integer({ min: 1, max: 12 }))), closed, (parts, end) => {
        const values = Array.from({ length: 12 }, (_, index) => `value ${index + 1}`)
        const text = parts.map(([before, number]) => `${before} $${number} `).join('') + end
        expect(bindStatement(text, values)).toEqual({
          sql: parts.map(([before]) => `${before} ? `).join('') + end,
          values: parts.map(([, number]) => `value ${number}`),
        })
      }),
    )
  })

  it('has a number of places for a list that is a power of two', () => {
    const bind = (list: readonly string[]) => bindStatement('select $2 where kid in ($1)', [list, 7])
    expect(bind(['a', 'b', 'c'])).toEqual({
      sql: 'select ? where kid in (?, ?, ?, ?)',
      values: [7, 'a', 'b', 'c', 'c'],
    })
    expect(bind(['a'])).toEqual({ sql: 'select ? where kid in (?)', values: [7, 'a'] })
    expect(bind([])).toEqual({ sql: 'select ? where kid in (null)', values: [7] })
  })

  it('has the value of limit in its text, if that is a whole number', () => {
    expect(bindStatement('select 1 limit $1', [10])).toEqual({ sql: 'select 1 limit 10', values: [] })
    for (const value of [1.5, '1; drop table users', Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(bindStatement('select 1 limit $1', [value])).toEqual({ sql: 'select 1 limit ?', values: [value] })
    }
  })

  it('is refused without a value for one of them', () => {
    expect(() => bindStatement('select $1, $2', [1])).toThrow(TypeError)
    expect(() => bindStatement('select $0', [1])).toThrow(TypeError)
  })
})

describe('a script', () => {
  it('is split at each ; outside of texts, names and comments', () => {
    fc.assert(
      fc.property(fc.array(fc.array(closed, { minLength: 1 })), (statements) => {
        const texts = statements.map((parts) => `select ${parts.join(' ')} end`)
        expect(splitScript(texts.map((text) => `${text};`).join('\n'))).toEqual(texts)
      }),
    )
  })

  it('has no empty statements', () => {
    expect(splitScript(' ;; select 1 ; \n ; select 2')).toEqual(['select 1', 'select 2'])
    expect(splitScript('')).toEqual([])
  })
})
