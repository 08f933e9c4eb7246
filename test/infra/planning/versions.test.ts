import assert from 'node:assert/strict';
import {
  addonVersions,
  charts,
  engineVersions,
  imageReference,
  images,
  kubernetesVersion,
  machineImages,
} from '#infra/planning/versions.ts';

const exact = /^v?\d+(\.\d+)+(-eksbuild\.\d+)?$/;

describe('the versions of other people’s software', () => {
  it('are exact: none is a word, a range or empty', () => {
    assert.match(kubernetesVersion, /^1\.\d+$/);
    for (const pinned of [addonVersions, engineVersions, machineImages, images, charts]) {
      for (const [name, { version }] of Object.entries(pinned)) assert.match(version, exact, name);
    }
  });

  it('each tell where they were seen, and when', () => {
    for (const pinned of [addonVersions, engineVersions, machineImages, images, charts]) {
      for (const [name, { source }] of Object.entries(pinned)) assert.match(source, /.+, \d{4}-\d{2}-\d{2}$/, name);
    }
  });

  it('name an image by its digest', () => {
    for (const [name, { digest }] of Object.entries(images)) assert.match(digest, /^sha256:[0-9a-f]{64}$/, name);
    const { repository, version, digest } = images.clickhouse;
    assert.equal(imageReference('clickhouse'), `${repository}:${version}@${digest}`);
  });

  it('name a chart by its repository, over TLS or as an OCI artifact', () => {
    for (const [name, { repository }] of Object.entries(charts)) assert.match(repository, /^(https|oci):\/\//, name);
  });
});
