"""Videos for mmsdk: frames and sound of one file, and every image or audio encoder over them."""
