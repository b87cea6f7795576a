import type { OwnAccount } from '../accounts/own-account.js'
import type { PasswordChange } from '../accounts/password-change.js'
import { type Html, html } from '../html.js'
import type { App } from '../http/app.js'
import { actingOf, originOf } from '../routes/caller.js'
import type { SessionCookies } from '../routes/session-cookies.js'
import type { AccountPage, OpenAccountPage } from './account-page-context.js'
import { field, form, submit } from './form-fields.js'
import { addFormPage, optional, required } from './form-page.js'
import type { FormState } from './form-state.js'
import { faultsAt, newPasswordField } from './new-password.js'
import type { Page } from './page.js'
import type { Pages } from './pages.js'

export interface AccountFormDependencies {
  readonly pages: Pages
  readonly open: OpenAccountPage
  readonly ownAccount: OwnAccount
  readonly passwordChange: PasswordChange
  readonly cookies: SessionCookies
  readonly passwordMinLength: number
}

/**
 * The pages that change the own account: /account/name, /language, /email, /password and /delete.
 */
export function addAccountForms(app: App, dependencies: AccountFormDependencies): void {
  addNamePage(app, dependencies)
  addLanguagePage(app, dependencies)
  addEmailPage(app, dependencies)
  addPasswordPage(app, dependencies)
  addDeletePage(app, dependencies)
}

function addNamePage(app: App, { open, ownAccount }: AccountFormDependencies): void {
  addFormPage(app, {
    path: '/account/name',
    rules: { name: optional(200) },
    open,
    show: (page: AccountPage, state) => {
      const name = field(page, state, {
        name: 'name',
        label: page.t('common.name'),
        autocomplete: 'name',
        required: false,
        maxlength: 200,
        autofocus: true,
        value: page.account.name ?? undefined,
      })
      const main = html`${form(state, html`${name}${submit(page.t('common.save'))}`)}${cancel(page)}`
      return { title: page.t('account.change-name'), main }
    },
    submit: async (page, { name = null }) => {
      await ownAccount.update(actingOf(page.request), { name }, originOf(page.request))
      return page.redirect('/account', { notice: 'name-changed' })
    },
  })
}

function addLanguagePage(app: App, { pages, open, ownAccount }: AccountFormDependencies): void {
  addFormPage(app, {
    path: '/account/language',
    rules: { language: optional(35) },
    open,
    show: (page: AccountPage, state) => {
      const { t, account } = page
      const option = (value: string, name: string) =>
        html`<option value="${value}"${value === (account.locale ?? '') ? html` selected` : undefined}>${name}</option>`
      const content = html`<div class="field"><label for="language">${t('account.language')}</label>
<select id="language" name="language" autofocus>${option('', t('account.language-of-browser'))}
${pages.locales.map((locale) => option(locale, nameOf(locale)))}</select></div>${submit(t('common.save'))}`
      return { title: t('account.change-language'), main: html`${form(state, content)}${cancel(page)}` }
    },
    submit: async (page, { language }) => {
      const locale = pages.locales.find((offered) => offered === language) ?? null
      await ownAccount.update(actingOf(page.request), { locale }, originOf(page.request))
      return page.redirect('/account', { notice: 'language-changed' })
    },
  })
}

/** Returns the name of a language in itself. */
function nameOf(locale: string): string {
  return new Intl.DisplayNames([locale], { type: 'language' }).of(locale) ?? locale
}

function addEmailPage(app: App, { open, ownAccount }: AccountFormDependencies): void {
  addFormPage(app, {
    path: '/account/email',
    rules: { username: optional(320), email: required(320), password: required(1024) },
    faults: { email_invalid: 'email', email_taken: 'email', password_wrong: 'password' },
    open,
    show: (page: AccountPage, state) => {
      const { t } = page
      const email = field(page, state, {
        name: 'email',
        label: t('account.new-email'),
        type: 'email',
        autocomplete: 'email',
        inputmode: 'email',
        hint: t('account.email-hint'),
        autofocus: true,
      })
      const content = html`${email}${currentPassword(page, state, 'password')}${submit(t('account.change-email'))}`
      const main = html`${form(state, html`${ownerField(page)}${content}`)}${cancel(page)}`
      return { title: t('account.email'), main }
    },
    submit: async (page, { email, password }) => {
      await ownAccount.update(actingOf(page.request), { email, password }, originOf(page.request))
      return page.redirect('/account', { notice: 'email-requested' })
    },
  })
}

function addPasswordPage(app: App, dependencies: AccountFormDependencies): void {
  const { open, passwordChange, cookies, passwordMinLength: minLength } = dependencies
  addFormPage(app, {
    path: '/account/password',
    rules: { username: optional(320), current_password: required(1024), new_password: required(1024) },
    faults: { ...faultsAt('new_password'), password_wrong: 'current_password' },
    open,
    show: (page: AccountPage, state) => {
      const { t } = page
      const current = currentPassword(page, state, 'current_password', true)
      const chosen = newPasswordField(page, state, { name: 'new_password', minLength })
      const content = html`${ownerField(page)}${current}${chosen}${submit(t('account.change-password'))}`
      const main = html`<p>${t('account.password-hint')}</p>${form(state, content)}${cancel(page)}`
      return { title: t('account.password'), main }
    },
    submit: async (page, { current_password: currentPassword, new_password: newPassword }) => {
      const { request, reply } = page
      const passwords = { currentPassword, newPassword }
      cookies.set(reply, await passwordChange.change(actingOf(request), passwords, originOf(request)))
      return page.redirect('/account', { notice: 'password-changed' })
    },
  })
}

function addDeletePage(app: App, { open, ownAccount, cookies }: AccountFormDependencies): void {
  addFormPage(app, {
    path: '/account/delete',
    rules: { username: optional(320), password: required(1024) },
    faults: { password_wrong: 'password' },
    open,
    show: (page: AccountPage, state) => {
      const { t } = page
      const password = currentPassword(page, state, 'password', true)
      const content = html`${ownerField(page)}${password}${submit(t('account.delete-submit'), 'danger')}`
      const main = html`<p>${t('account.delete-text')}</p>${form(state, content)}${cancel(page)}`
      return { title: t('account.delete'), main }
    },
    submit: async (page, { password }) => {
      await ownAccount.delete(actingOf(page.request), password, originOf(page.request))
      cookies.clear(page.reply)
      return page.redirect('/sign-in', { notice: 'account-deleted' })
    },
  })
}

function currentPassword(page: Page, state: FormState, name: string, autofocus = false): Html {
  return field(page, state, {
    name,
    label: page.t('common.current-password'),
    type: 'password',
    autocomplete: 'current-password',
    autofocus,
  })
}

/** The address of the account, by which password managers find its password. It is not used. */
function ownerField({ account }: AccountPage): Html {
  return html`<input name="username" type="text" autocomplete="username" value="${account.email}" hidden readonly>`
}

function cancel({ t, href }: Page): Html {
  return html`<p class="links"><a href="${href('/account')}">${t('common.cancel')}</a></p>`
}
