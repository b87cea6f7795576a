import { type Html, html } from '../html.js'
import type { FormState } from './form-state.js'
import type { Page } from './page.js'

/** A field of a form. */
export interface Field {
  readonly name: string
  readonly label: string
  /** @defaultValue 'text' */
  readonly type?: 'text' | 'email' | 'password'
  readonly autocomplete: string
  /** An explanation below the label. */
  readonly hint?: string | undefined
  readonly inputmode?: 'numeric' | 'email'
  /** @defaultValue true */
  readonly required?: boolean
  /** Whether the page begins here. */
  readonly autofocus?: boolean
  /** Whether the script fills the field from the fragment of the URL, and hides it. */
  readonly fromLink?: boolean
  /** The initial value. */
  readonly value?: string | undefined
  /** Whether the field shows again what was typed. @defaultValue true, except for passwords */
  readonly keeps?: boolean
  readonly maxlength?: number
}

/** Returns a form with its fields, and the message above it if it was refused. */
export function form(state: FormState, content: Html, attributes?: Html): Html {
  return html`${alertOf(state)}<form method="post"${attributes}>${content}</form>`
}

/** Returns the message about the form as a whole. It receives the focus unless a field does. */
export function alertOf({ alert, errors }: FormState): Html | undefined {
  if (alert === undefined) return undefined
  const focus = Object.keys(errors).length === 0 ? html` autofocus` : undefined
  return html`<p class="alert" role="alert" tabindex="-1"${focus}>${alert}</p>`
}

/**
 * Returns a field with its label, its explanation and its fault.
 */
export function field({ t }: Pick<Page, 't'>, state: FormState, definition: Field): Html {
  const { name, label, type = 'text', autocomplete, hint, inputmode, required = true, fromLink = false } = definition
  const error = state.errors[name]
  const isFirstFault = error !== undefined && Object.keys(state.errors)[0] === name
  const begins = definition.autofocus === true && state.alert === undefined && Object.keys(state.errors).length === 0
  const { keeps = type !== 'password' } = definition
  const value = keeps ? (state.values[name] ?? definition.value) : undefined
  const described = [hint === undefined ? '' : `${name}-hint`, error === undefined ? '' : `${name}-error`]
    .join(' ')
    .trim()
  return html`<div class="field"${flag('data-from-link', fromLink)}>
<label for="${name}">${label}${required ? undefined : html` <span class="hint">(${t('common.optional')})</span>`}</label>
${hint === undefined ? undefined : html`<p class="hint" id="${name}-hint">${hint}</p>`}
<input id="${name}" name="${name}" type="${type}" autocomplete="${autocomplete}"${attribute('inputmode', inputmode)}${attribute('value', value)}${attribute('maxlength', definition.maxlength)}${flag('required', required)}${attribute('aria-describedby', described === '' ? undefined : described)}${attribute('aria-invalid', error === undefined ? undefined : 'true')}${flag('autofocus', isFirstFault || begins)}${spelling(type)}>
${error === undefined ? undefined : html`<p class="error" id="${name}-error">${error}</p>`}
</div>`
}

/** Returns the button that sends a form. */
export function submit(label: string, kind: 'primary' | 'danger' = 'primary'): Html {
  return html`<button type="submit" class="${kind}">${label}</button>`
}

/** Returns a form of one button, with hidden fields. */
export function buttonForm(
  action: string,
  { label, fields = {}, description }: ButtonForm,
  kind: 'plain' | 'danger' = 'plain',
): Html {
  const hidden = Object.entries(fields).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  )
  return html`<form method="post" action="${action}" class="inline">${hidden}<button type="submit" class="${kind}"${attribute('aria-label', description)}>${label}</button></form>`
}

/** The parts of `buttonForm`. */
export interface ButtonForm {
  readonly label: string
  readonly fields?: Readonly<Record<string, string>>
  /** The label for screen readers, where several buttons have the same text. */
  readonly description?: string
}

/** Names and addresses are not words of a language. */
function spelling(type: Field['type']): Html | undefined {
  return type === 'email' ? html` autocapitalize="none" spellcheck="false"` : undefined
}

function attribute(name: string, value: string | number | undefined): Html | undefined {
  return value === undefined ? undefined : html` ${name}="${value}"`
}

function flag(name: string, isSet: boolean): Html | undefined {
  return isSet ? html` ${name}` : undefined
}
