import assert from 'node:assert/strict';
import {
  addonVersions,
  clickhouseImage,
  imageReference,
  kubernetesVersion,
  valkeyVersion,
} from '#infra/planning/versions.ts';

describe('the versions of other people’s software', () => {
  it('are exact: none is a word, a range or empty', () => {
    assert.match(kubernetesVersion, /^1\.\d+$/);
    for (const { version } of Object.values(addonVersions)) assert.match(version, /^v\d+\.\d+\.\d+-eksbuild\.\d+$/);
    assert.match(valkeyVersion.version, /^\d+\.\d+$/);
    assert.match(clickhouseImage.version, /^\d+\.\d+\.\d+\.\d+$/);
  });

  it('each tell where they were seen, and when', () => {
    for (const { source } of [...Object.values(addonVersions), valkeyVersion, clickhouseImage]) {
      assert.match(source, /\d{4}-\d{2}-\d{2}$/);
    }
  });

  it('name an image by its digest', () => {
    const digest = `sha256:${'a'.repeat(64)}` as const;
    const image = { repository: 'registry.example/thing', version: '1.2.3', digest, verified: false, source: '' };
    assert.equal(imageReference(image), `registry.example/thing:1.2.3@${digest}`);
  });
});
