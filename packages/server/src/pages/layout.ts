import type { Theme } from '../config/theme.js'
import { type Html, html } from '../html.js'
import { buttonForm } from './form-fields.js'
import type { Page, PageView } from './page.js'
import type { PageAssets } from './page-assets.js'

/** The parts that all pages share. */
export interface Frame {
  readonly theme: Theme
  readonly assets: PageAssets
}

/** Returns the document of a page. */
export function layout(frame: Frame, page: Page, view: PageView): string {
  const { messages, t, href, notice } = page
  const { theme, assets } = frame
  const title = view.refused === true ? t('common.error-title', { title: view.title }) : view.title
  const { next, wide = false } = view
  return html`<!doctype html>
<html lang="${messages.locale}" dir="${messages.dir}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
${next === undefined ? undefined : html`<meta http-equiv="refresh" content="0; url=${next}">`}
<title>${title} – ${theme.name}</title>
<link rel="icon" href="${assets.logo === undefined ? 'data:,' : href(`/pages/${assets.logo.name}`)}">
<link rel="stylesheet" href="${href(`/pages/${assets.style.name}`)}">
<script type="module" src="${href(`/pages/${assets.script.name}`)}"></script>
</head>
<body>
<a class="skip" href="#main">${t('common.skip')}</a>
<header>${brand(frame, href)}</header>
${impersonationBanner(page)}
<main id="main" tabindex="-1"${wide ? html` class="wide"` : undefined}>
<h1>${view.title}</h1>
${noticeBlock(notice())}
${view.main}
</main>
${footer(frame, t)}
</body>
</html>
`.text
}

function brand({ theme, assets }: Frame, href: Page['href']): Html {
  const logo = assets.logo === undefined ? undefined : html`<img src="${href(`/pages/${assets.logo.name}`)}" alt="">`
  return html`<a class="brand" href="${href('/')}">${logo}<span>${theme.name}</span></a>`
}

/** Says on every page of the account that it is not its owner who is signed in. */
function impersonationBanner({ impersonation, messages, t, href }: Page): Html | undefined {
  if (impersonation === undefined) return undefined
  const { email, endsAt } = impersonation
  const text = t('impersonate.banner', { email, time: messages.dateTime(endsAt) })
  return html`<aside class="impersonation" aria-label="${t('impersonate.label')}"><p>${text}</p>
${buttonForm(href('/sign-out'), { label: t('impersonate.end') })}</aside>`
}

function noticeBlock(text: string | undefined): Html | undefined {
  return text === undefined ? undefined : html`<p class="notice" role="status">${text}</p>`
}

function footer({ theme }: Frame, t: Page['t']): Html | undefined {
  const { terms, privacy } = theme.links
  if (terms === undefined && privacy === undefined) return undefined
  const link = (url: string | undefined, key: string) =>
    url === undefined ? undefined : html`<a href="${url}">${t(key)}</a>`
  return html`<footer>${link(terms, 'common.terms')} ${link(privacy, 'common.privacy')}</footer>`
}
