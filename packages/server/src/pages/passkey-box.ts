import { type Html, html } from '../html.js'
import type { Page } from './page.js'

/** A button for passkeys, and its use by the script. */
export interface PasskeyBox {
  /** The purpose, which the script knows. */
  readonly use: 'sign-in' | 'second-factor' | 'step-up' | 'add'
  readonly label: string
  /** The path that the browser opens afterwards. */
  readonly target: string
  /** The token and the options of a challenge that the server has issued already. */
  readonly challenge?: { readonly token: string; readonly options: string } | undefined
  /** The fields that the script reads. Without a script they are hidden together with the button. */
  readonly fields?: Html | undefined
}

/** The refusals that the script explains, besides `problem.general`. */
const codes = ['general', 'passkey_refused', 'password_wrong', 'guess_delayed', 'challenge_invalid'] as const

/** Returns a button for passkeys, which the script shows where the browser supports them. */
export function passkeyBox({ t, href, messages }: Page, box: PasskeyBox): Html {
  const { use, label, target, challenge, fields } = box
  const problems = JSON.stringify(Object.fromEntries(codes.map((code) => [code, messages.problem(code)])))
  const given =
    challenge === undefined ? undefined : html` data-token="${challenge.token}" data-options="${challenge.options}"`
  return html`<div data-passkey="${use}" data-api="${href('/v1')}" data-target="${target}" data-step-up="${href('/step-up')}" data-problems="${problems}"${given} hidden>
<p class="alert" role="alert" tabindex="-1" hidden></p>
${fields}
<button type="${use === 'add' ? 'submit' : 'button'}" class="plain">${label}</button>
${use === 'add' ? newCodes(t, href) : undefined}
</div>`
}

/** The place where the script shows the recovery codes that come with the first passkey. */
function newCodes(t: Page['t'], href: Page['href']): Html {
  return html`<template><h2>${t('recovery-codes.title')}</h2><p>${t('recovery-codes.text')}</p><ul class="codes"></ul>
<p class="links"><a href="${href('/account')}">${t('recovery-codes.saved')}</a></p></template>`
}
