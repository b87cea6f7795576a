import { renderSVG } from 'uqr'
import type { OwnFactors } from '../accounts/own-factors.js'
import type { Factor } from '../factors/factor-table.js'
import type { TrustedDevice } from '../factors/trusted-devices.js'
import { Html, html } from '../html.js'
import type { App } from '../http/app.js'
import { actingOf, originOf } from '../routes/caller.js'
import type { AccountPage, OpenAccountPage } from './account-page-context.js'
import { deviceText } from './device-text.js'
import { buttonForm, field, form, submit } from './form-fields.js'
import { addFormPage, optional, required } from './form-page.js'
import type { FormState } from './form-state.js'
import type { Page, PageView } from './page.js'
import { passkeyBox } from './passkey-box.js'

interface FactorPagesDependencies {
  readonly open: OpenAccountPage
  readonly ownFactors: OwnFactors
}

/** The pages that change the factors of the own account. */
export function addFactorPages(app: App, { open, ownFactors }: FactorPagesDependencies): void {
  addAuthenticatorPage(app, { open, ownFactors })
  addRecoveryCodesPage(app, { open, ownFactors })
  addFactorPage(app, { open, ownFactors })
  addPasskeyPage(app, open)
}

/** Returns the section of the account page about factors. */
export async function factorsSection(ownFactors: OwnFactors, page: AccountPage): Promise<Html> {
  const { t, href } = page
  const { factors, recoveryCodes, trustedDevices } = await ownFactors.list(page.account.id)
  const hasTotp = factors.some(({ kind }) => kind === 'totp')
  const list = html`<ul class="list">${factors.map((factor) => factorEntry(page, factor))}</ul>`
  const codes = html`<p>${t('factors.recovery-left', { count: recoveryCodes })}</p>`
  return html`<section aria-labelledby="factors"><h2 id="factors">${t('factors.title')}</h2>
${factors.length === 0 ? html`<p>${t('factors.none')}</p>` : html`${list}${codes}`}
<p class="links"><a href="${href('/account/passkey')}">${t('factors.add-passkey')}</a>
${factors.length === 0 ? undefined : html`<a href="${href('/account/recovery-codes')}">${t('factors.new-recovery-codes')}</a>`}</p>
${hasTotp ? undefined : buttonForm(href('/account/authenticator'), { label: t('factors.add-totp') })}
${trustedDevices.length === 0 ? undefined : trustedList(page, trustedDevices)}
</section>`
}

function factorEntry({ t, href, messages }: Page, factor: Factor): Html {
  const { id, kind, createdAt, lastUsedAt } = factor
  const name = kind === 'totp' ? t('factors.totp') : factor.name
  const used = lastUsedAt === null ? undefined : html`<br>${t('factors.used', { time: messages.dateTime(lastUsedAt) })}`
  const rename =
    kind === 'passkey'
      ? html`<a href="${href('/account/factor', { factor: id })}" aria-label="${t('factors.rename-of', { name })}">${t('common.rename')}</a>`
      : undefined
  const remove = buttonForm(href('/account/factor'), {
    label: t('common.remove'),
    description: t('factors.remove-of', { name }),
    fields: { factor: id, action: 'remove' },
  })
  return html`<li><div><strong><bdi>${name}</bdi></strong>
<p class="hint">${t('factors.added', { time: messages.dateTime(createdAt) })}${used}</p></div>
<div class="buttons">${rename}${remove}</div></li>`
}

function trustedList(page: Page, devices: readonly TrustedDevice[]): Html {
  const { t, href, messages } = page
  const entries = devices.map(({ name, userAgent, expiresAt }) => {
    const device = deviceText(page, userAgent)
    const end = buttonForm(href('/account/factor'), {
      label: t('factors.untrust'),
      description: t('factors.untrust-of', { device }),
      fields: { factor: name, action: 'untrust' },
    })
    const until = t('factors.trusted-until', { time: messages.dateTime(expiresAt) })
    return html`<li><div><strong><bdi>${device}</bdi></strong><p class="hint">${until}</p></div>${end}</li>`
  })
  return html`<h3>${t('factors.trusted-devices')}</h3><ul class="list">${entries}</ul>`
}

/**
 * POST /account/authenticator: without a code it begins to add an authenticator app, with one it
 * completes that. GET begins nothing, because it must change nothing.
 */
function addAuthenticatorPage(app: App, { open, ownFactors }: FactorPagesDependencies): void {
  addFormPage(app, {
    path: '/account/authenticator',
    rules: { secret: optional(100), uri: optional(1000), code: optional(16) },
    faults: { second_factor_wrong: 'code' },
    open,
    skip: toAccount,
    show: (page: AccountPage, state) => authenticatorView(page, state),
    submit: async (page, { secret, code }) => {
      const change = changeOf(page)
      if (secret === undefined) {
        const begun = await ownFactors.beginTotp(change.acting)
        const values = { secret: begun.secret, uri: begun.uri }
        return page.send(authenticatorView(page, { values, errors: {} }))
      }
      const { recoveryCodes } = await ownFactors.confirmTotp(code ?? '', change)
      return recoveryCodes === undefined
        ? page.redirect('/account', { notice: 'factor-added' })
        : page.send(codesView(page, recoveryCodes))
    },
  })
}

function authenticatorView(page: Page, state: FormState): PageView {
  const { t, href } = page
  const { secret = '', uri = '' } = state.values
  const title = t('add-totp.title')
  const back = html`<p class="links"><a href="${href('/account')}">${t('common.cancel')}</a></p>`
  // A refusal of the first step.
  if (secret === '') return { title, main: html`${form(state, submit(t('common.continue')))}${back}` }
  const code = field(page, state, {
    name: 'code',
    label: t('add-totp.code'),
    autocomplete: 'one-time-code',
    inputmode: 'numeric',
    autofocus: true,
    keeps: false,
  })
  const hidden = html`<input type="hidden" name="secret" value="${secret}"><input type="hidden" name="uri" value="${uri}">`
  const key = secret.replaceAll(/.{4}(?=.)/g, '$& ')
  const main = html`<p>${t('add-totp.scan')}</p>
<div class="qr" role="img" aria-label="${t('add-totp.qr')}">${qrCode(uri)}</div>
<p>${t('add-totp.secret')}<br><code>${key}</code></p>
${form(state, html`${hidden}${code}${submit(t('add-totp.submit'))}`)}${back}`
  return { title, main }
}

/** The longest text that an account with a long address needs. A larger QR code is hard to scan. */
const maxUriLength = 700

function qrCode(uri: string): Html | undefined {
  // The library returns an image of rectangles, whatever the text is.
  return uri.length > maxUriLength ? undefined : new Html(renderSVG(uri, { ecc: 'L', border: 4 }))
}

/** GET and POST /account/recovery-codes: replaces the codes, and shows the new ones once. */
function addRecoveryCodesPage(app: App, { open, ownFactors }: FactorPagesDependencies): void {
  addFormPage(app, {
    path: '/account/recovery-codes',
    rules: {},
    open,
    show: (page: AccountPage, state) => {
      const { t, href } = page
      const main = html`<p>${t('recovery-codes.text')}</p><p>${t('recovery-codes.replaced')}</p>
${form(state, submit(t('factors.new-recovery-codes')))}
<p class="links"><a href="${href('/account')}">${t('common.cancel')}</a></p>`
      return { title: t('factors.new-recovery-codes'), main }
    },
    submit: async (page) => page.send(codesView(page, await ownFactors.replaceRecoveryCodes(changeOf(page)))),
  })
}

function codesView({ t, href }: Page, codes: readonly string[]): PageView {
  const list = codes.map((code) => html`<li><code>${code}</code></li>`)
  const main = html`<p>${t('recovery-codes.text')}</p><ul class="codes">${list}</ul>
<form method="get" action="${href('/account')}">${submit(t('recovery-codes.saved'))}</form>`
  return { title: t('recovery-codes.title'), main }
}

/** GET and POST /account/factor: renames or removes a factor, or ends the trust in a device. */
function addFactorPage(app: App, { open, ownFactors }: FactorPagesDependencies): void {
  addFormPage(app, {
    path: '/account/factor',
    rules: { factor: required(100), action: optional(10), name: optional(100) },
    open,
    show: async (page: AccountPage, state) => {
      const { t, href } = page
      const { factor: asked } = page.request.query as { readonly factor?: unknown }
      const id = state.values.factor ?? (typeof asked === 'string' ? asked : '')
      const { factors } = await ownFactors.list(page.account.id)
      const known = factors.find((factor) => factor.id === id)
      const name = field(page, state, {
        name: 'name',
        label: t('factors.passkey-name'),
        autocomplete: 'off',
        value: known?.name,
        maxlength: 100,
        autofocus: true,
      })
      const hidden = html`<input type="hidden" name="factor" value="${id}">`
      const main = html`${form(state, html`${hidden}${name}${submit(t('common.save'))}`)}
<p class="links"><a href="${href('/account')}">${t('common.cancel')}</a></p>`
      return { title: t('factors.rename'), main }
    },
    submit: async (page, { factor, action, name }) => {
      const change = changeOf(page)
      if (action === 'remove') {
        await ownFactors.remove(factor, change)
        return page.redirect('/account', { notice: 'factor-removed' })
      }
      if (action === 'untrust') {
        await ownFactors.endTrust(change.acting, factor, change.origin)
        return page.redirect('/account', { notice: 'device-untrusted' })
      }
      if (name !== undefined) await ownFactors.rename(factor, name, change)
      return page.redirect('/account', { notice: 'factor-renamed' })
    },
  })
}

/** GET /account/passkey: adds a passkey, which only a script can do. */
function addPasskeyPage(app: App, open: OpenAccountPage): void {
  addFormPage(app, {
    path: '/account/passkey',
    rules: { name: optional(100) },
    open,
    show: (page: AccountPage, state) => {
      const { t, href } = page
      const name = field(page, state, {
        name: 'name',
        label: t('factors.passkey-name'),
        autocomplete: 'off',
        autofocus: true,
        required: false,
        maxlength: 100,
      })
      const target = href('/account', { notice: 'factor-added' })
      const box = passkeyBox(page, { use: 'add', label: t('factors.add-passkey'), target, fields: name })
      const main = html`<noscript><p class="alert">${t('factors.passkey-script')}</p></noscript>
<p class="alert" data-no-passkeys hidden>${t('factors.passkey-unsupported')}</p>
<form method="post">${box}</form>
<p class="links"><a href="${href('/account')}">${t('common.cancel')}</a></p>`
      return { title: t('factors.add-passkey'), main }
    },
    submit: async (page) => page.redirect('/account/passkey'),
  })
}

async function toAccount(page: Page): Promise<boolean> {
  page.redirect('/account')
  return true
}

function changeOf({ request }: Page) {
  return { acting: actingOf(request), origin: originOf(request) }
}
