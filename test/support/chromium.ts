import '../../node/polyfills.js';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Debian's. */
const CHROMIUM = ['chromium', 'chromium-browser'].find((name) => spawnSync(name, ['--version']).status === 0);

/** Why no page can be opened on this machine; false where it can. */
export const CHROMIUM_MISSING: string | false = CHROMIUM === undefined ? 'chromium is not installed' : false;

const REPORT_TIMEOUT_MS = 60_000;

/**
 * Opens a page without a screen.
 *
 * @param files by path, `/` the page
 * @returns what the page posts to `/result`
 */
export async function runPage(
  files: Readonly<Record<string, readonly [type: string, text: string]>>,
): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), 'ogpu-chromium-'));
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const site = await serve(files, (body) => {
    resolve(JSON.parse(body));
  });
  const flags = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    `--user-data-dir=${folder}`,
  ];
  const browser = spawn(CHROMIUM ?? '', [...flags, site.url], { stdio: 'ignore' });
  const timer = setTimeout(() => {
    reject(new Error(`the page has not reported within ${REPORT_TIMEOUT_MS} ms`));
  }, REPORT_TIMEOUT_MS);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    const closed = new Promise((done) => browser.once('close', done));
    browser.kill();
    await closed;
    site.server.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function serve(
  files: Readonly<Record<string, readonly [type: string, text: string]>>,
  report: (body: string) => void,
): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      if (request.url === '/result') report(body);
      const file = files[request.url ?? ''];
      const [type, text] = file ?? ['text/plain', ''];
      response.writeHead(file === undefined ? 404 : 200, { 'content-type': type }).end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return { server, url: `http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}/` };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request) text += String(part);
  return text;
}
