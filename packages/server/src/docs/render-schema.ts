import { type Html, html, inline } from '../html.js'
import type { Parameter, Schema } from './api-document.js'

/** Returns the table of the members of an object, or the type of any other value. */
export function renderSchema(schema: Schema): Html {
  const { properties, required = [] } = schema
  if (properties === undefined) return html`<p class="type">${typeOf(schema)}</p>`
  const rows = Object.entries(properties).map(([name, member]) =>
    row({ name, schema: member, required: required.includes(name) }),
  )
  return table(rows)
}

/** Returns the table of the parameters of one place. */
export function renderParameters(parameters: readonly Parameter[]): Html {
  const rows = parameters.map(({ name, schema = {}, required = false, description }) =>
    row({ name, schema: description === undefined ? schema : { ...schema, description }, required }),
  )
  return table(rows)
}

/** Returns an example of a value as JSON. */
export function exampleOf(schema: Schema, required: readonly string[] = schema.required ?? []): unknown {
  const { examples, properties, enum: words, items } = schema
  if (examples !== undefined) return examples[0]
  if (schema.const !== undefined) return schema.const
  if (words !== undefined) return words[0]
  if (schema.default !== undefined) return schema.default
  if (properties !== undefined) {
    const shown = Object.entries(properties).filter(([name]) => required.includes(name) || required.length === 0)
    return Object.fromEntries(shown.map(([name, member]) => [name, exampleOf(member)]))
  }
  if (items !== undefined) return [exampleOf(items)]
  const first = schema.anyOf?.[0]
  if (first !== undefined) return exampleOf(first)
  if (schema.type === 'boolean') return true
  return schema.type === 'integer' || schema.type === 'number' ? (schema.minimum ?? 1) : '…'
}

function table(rows: readonly Html[]): Html {
  return html`<table><tbody>${rows}</tbody></table>`
}

function row({ name, schema, required }: { name: string; schema: Schema; required: boolean }): Html {
  const description = schema.description ?? schema.anyOf?.find((one) => one.description !== undefined)?.description
  return html`<tr>
    <th scope="row"><code>${name}</code>${required ? undefined : html` <span class="optional">optional</span>`}</th>
    <td><span class="type">${typeOf(schema)}${bounds(schema)}</span>${description === undefined ? undefined : html`<br>${inline(description)}`}</td>
  </tr>`
}

function typeOf(schema: Schema): Html {
  const { $ref, anyOf, enum: words, items, type, format } = schema
  if ($ref !== undefined) {
    const name = $ref.slice($ref.lastIndexOf('/') + 1)
    return html`<a href="#shape-${name}">${name}</a>`
  }
  if (schema.const !== undefined) return html`<code>${JSON.stringify(schema.const)}</code>`
  if (words !== undefined) return alternatives(words.map((word) => html`<code>${JSON.stringify(word)}</code>`))
  if (anyOf !== undefined) return alternatives(anyOf.map(typeOf))
  if (items !== undefined) return html`list of ${typeOf(items)}`
  const named = typeof type === 'object' ? type.join(' or ') : (type ?? 'anything')
  return format === undefined ? html`${named}` : html`${named} (${format})`
}

function alternatives(choices: readonly Html[]): Html {
  return html`${choices.map((choice, index) => (index === 0 ? choice : html` or ${choice}`))}`
}

function bounds({ minLength, maxLength, minimum, maximum, maxItems, default: byDefault }: Schema): string {
  const said = [
    range(minLength, maxLength, 'characters'),
    range(minimum, maximum, ''),
    range(undefined, maxItems, 'items'),
    byDefault === undefined || byDefault === '' ? '' : `default ${JSON.stringify(byDefault)}`,
  ].filter((text) => text !== '')
  return said.length === 0 ? '' : `, ${said.join(', ')}`
}

function range(least: number | undefined, most: number | undefined, unit: string): string {
  if (least === undefined && most === undefined) return ''
  if (least === undefined) return `at most ${most} ${unit}`.trim()
  return most === undefined ? `at least ${least} ${unit}`.trim() : `${least} to ${most} ${unit}`.trim()
}
